package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"math/big"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/byeolshow/byeolshow/clients/clayful"
)

//go:embed reset.html
var resetHTML string

//go:embed reset.css
var resetStyle string

var resetPage = template.Must(template.New("reset").Parse(resetHTML))

func (a *api) resetRoutes(r chi.Router) {
	limit := func() func(http.Handler) http.Handler { return a.limit(a.Limits.ResetPerHour, time.Hour, byIP) }
	r.With(unreferred).Get("/forgetuser/reset_password", a.wrapped(a.showReset))
	r.With(unreferred, limit()).Post("/forgetuser/reset_password", a.wrapped(a.resetPassword))
	r.With(unreferred, limit()).Post("/forgetuser/forgot_change", a.wrapped(a.choosePassword))
}

// unreferred keeps the secret in the address from whatever a page leads to.
func unreferred(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}

// resetView is what the page says.
type resetView struct {
	Password    string // the new one, shown once
	Title, Text string
	Button      bool
	Style       template.CSS
}

var (
	resetAsk = resetView{
		Title: "비밀번호를 다시 설정할까요?", Button: true,
		Text: "아래 버튼을 누르면 새 비밀번호를 만들어 이 화면에 한 번만 보여 드립니다.",
	}
	resetRefused = resetView{
		Title: "사용할 수 없는 링크입니다",
		Text:  "이미 사용했거나 72시간이 지난 링크입니다. 앱에서 비밀번호 찾기를 다시 진행해 주세요.",
	}
	resetLater = resetView{
		Title: "잠시 후 다시 시도해 주세요", Button: true,
		Text: "지금은 비밀번호를 바꿀 수 없습니다. 조금 뒤에 아래 버튼을 다시 눌러 주세요.",
	}
)

// resetPolicy lets the page show its own style and send its own form, and
// nothing else.
var resetPolicy = func() string {
	sum := sha256.Sum256([]byte(resetStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}()

func showPage(w http.ResponseWriter, status int, view resetView) error {
	view.Style = template.CSS(resetStyle) //nolint:gosec // our own
	var page bytes.Buffer
	if err := resetPage.Execute(&page, view); err != nil {
		return fmt.Errorf("render page: %w", err)
	}
	for name, value := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": resetPolicy, "X-Content-Type-Options": "nosniff",
		"X-Frame-Options": "DENY", "X-Robots-Tag": "noindex, nofollow",
	} {
		w.Header().Set(name, value)
	}
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes()) // the caller has gone when this fails
	return nil
}

// resetLink is what a mailed link says.
type resetLink struct{ customer, secret string }

func (l resetLink) usable() bool {
	return plainID.MatchString(l.customer) && l.secret != "" && len(l.secret) <= 500
}

// showReset is the page the mailed link leads to. It changes nothing: what
// previews links opens it, too.
func (a *api) showReset(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if !(resetLink{q.Get("customer"), q.Get("secret")}).usable() {
		return showPage(w, http.StatusBadRequest, resetRefused)
	}
	return showPage(w, http.StatusOK, resetAsk)
}

// resetPassword sets a random password and shows it, once.
func (a *api) resetPassword(w http.ResponseWriter, r *http.Request) error {
	in, err := fields(r)
	if err != nil {
		return err
	}
	password := randomPassword()
	err = a.setPassword(r.Context(), resetLink{in["customer"], in["secret"]}, password)
	switch {
	case !prefersHTML(r.Header.Get("Accept")):
		if err != nil {
			return err
		}
		return done(w, http.StatusAccepted, password)
	case err == nil:
		return showPage(w, http.StatusOK, resetView{Password: password})
	}
	status := refusalOf(err).Status
	a.logFault(r, status, err)
	if status >= http.StatusInternalServerError {
		return showPage(w, status, resetLater)
	}
	return showPage(w, status, resetRefused)
}

// choosePassword sets the password its owner wants.
func (a *api) choosePassword(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Secret   string `json:"secret"`
		Customer string `json:"customer_id"`
		Password string `json:"password"`
	}
	if err := decode(r, &body); err != nil {
		return err
	}
	if body.Password == "" {
		return bad("password is missing")
	}
	if err := a.setPassword(r.Context(), resetLink{body.Customer, body.Secret}, body.Password); err != nil {
		return err
	}
	return done(w, http.StatusAccepted, "비밀번호가 변경되었습니다")
}

// setPassword sets a password by a mailed link and ends all sessions of its
// owner.
func (a *api) setPassword(ctx context.Context, link resetLink, password string) error {
	if !link.usable() {
		return refuse(http.StatusBadRequest, resetRefused.Text)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerWait)
	defer cancel()
	defer a.sessions.forget(ctx, link.customer)
	err := a.endingSessions(ctx, link.customer, uuid.Nil, func() error {
		err := a.Clayful.ResetPassword(ctx, link.customer, link.secret, password)
		if clayful.IsUnavailable(err) { // it may have been set all the same
			customer, readErr := a.Clayful.Customer(ctx, link.customer)
			if readErr == nil && a.logsIn(ctx, customer.ID, clayful.Credentials{UserID: string(customer.UserID), Password: password}) {
				return nil
			}
		}
		return err
	})
	var shop *clayful.Error
	if !clayful.IsUnavailable(err) && errors.As(err, &shop) {
		return &refusal{Status: http.StatusBadRequest, Message: resetRefused.Text, Code: shop.Code}
	}
	return err
}

// randomPassword is 12 characters, none of which looks like another.
func randomPassword() string {
	const letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789"
	password := make([]byte, 12)
	for i := range password {
		n, _ := rand.Int(rand.Reader, big.NewInt(int64(len(letters)))) // never fails
		password[i] = letters[n.Int64()]
	}
	return string(password)
}

// prefersHTML tells whether an Accept header asks for HTML by name, and not for
// JSON more.
func prefersHTML(accept string) bool {
	html, json := -1.0, -1.0
	for part := range strings.SplitSeq(accept, ",") {
		kind, parameters, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		weight := 1.0
		if q, err := strconv.ParseFloat(parameters["q"], 64); err == nil {
			weight = q
		}
		switch kind {
		case "text/html", "application/xhtml+xml":
			html = max(html, weight)
		case "application/json":
			json = max(json, weight)
		}
	}
	return html > 0 && html >= json
}
