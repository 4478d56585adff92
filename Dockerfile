FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -o /byeolshow ./cmd/byeolshow

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /byeolshow /byeolshow
ENTRYPOINT ["/byeolshow"]
