FROM golang:1.26.8-bookworm AS build
ARG VERSION=dev
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags="-s -w -X main.version=${VERSION}" -o /byeolshow ./cmd/byeolshow

# No shell, no package manager, certificates, time zones, and user 65532.
FROM gcr.io/distroless/static-debian12:nonroot
ARG VERSION=dev
LABEL org.opencontainers.image.title=byeolshow org.opencontainers.image.version=${VERSION}
COPY --from=build /byeolshow /byeolshow
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/byeolshow"]
CMD ["api"]
