package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"go.temporal.io/api/serviceerror"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/clients/iamport"
	"github.com/byeolshow/byeolshow/clients/social"
	"github.com/byeolshow/byeolshow/model"
)

// handler answers a request, or returns the error that is answered instead.
type handler func(http.ResponseWriter, *http.Request) error

// wrapped serves a route whose errors are {"error":{"message":…}}.
func (a *api) wrapped(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			a.fail(w, r, a.unlessExpired(r, err))
		}
	}
}

// unlessExpired ends the caller's session when the shop no longer takes their
// token: they have to log in again then.
func (a *api) unlessExpired(r *http.Request, err error) error {
	m := caller(r)
	if m == nil || !clayful.IsCode(err, "unauthorized") {
		return err
	}
	if revokeErr := a.sessions.revoke(r.Context(), m.Session); revokeErr != nil {
		return errors.Join(err, revokeErr)
	}
	return errNotLoggedIn
}

// success answers {"success": payload}.
func success(w http.ResponseWriter, status int, payload any) error {
	return bare(w, status, map[string]any{"success": payload})
}

// done answers {"success":{"message": message}}.
func done(w http.ResponseWriter, status int, message string) error {
	return success(w, status, map[string]string{"message": message})
}

// bare answers v itself.
func bare(w http.ResponseWriter, status int, v any) error {
	body, err := encode(v)
	if err != nil {
		return err
	}
	write(w, status, body)
	return nil
}

func encode(v any) ([]byte, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return bytes.TrimSuffix(body.Bytes(), []byte("\n")), nil
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // JSON, and said to be; the caller has gone when this fails
}

// refusal is an answer that is not success. Message is for people.
type refusal struct {
	Status  int    `json:"-"`
	Message string `json:"message"`
	Detail  string `json:"detail,omitempty"`
	Code    string `json:"code,omitempty"`
	Social  string `json:"social,omitempty"` // the vendor a social account logs in with
}

// Error implements error.
func (r *refusal) Error() string { return fmt.Sprintf("%d %s %s", r.Status, r.Code, r.Message) }

func refuse(status int, message string) *refusal { return &refusal{Status: status, Message: message} }

var (
	errNoRoute     = refuse(http.StatusNotFound, "없는 주소입니다")
	errNoMethod    = refuse(http.StatusMethodNotAllowed, "허용되지 않는 요청입니다")
	errBadRequest  = refuse(http.StatusBadRequest, "잘못된 요청입니다")
	errTryLater    = refuse(http.StatusServiceUnavailable, "잠시 후 다시 시도해 주세요")
	errNotLoggedIn = refuse(http.StatusUnauthorized, "로그인이 필요합니다")
	errNoSeller    = refuse(http.StatusUnauthorized, "권한이 없습니다")
)

// refusals of the business, in its callers' words.
var businessRefusals = map[model.Code]*refusal{
	model.CodeNoBroadcast:     refuse(http.StatusBadRequest, "존재하지 않는 방송입니다"),
	model.CodeNotReady:        refuse(http.StatusConflict, "시작할 수 있는 방송이 아닙니다"),
	model.CodeNotLive:         refuse(http.StatusConflict, "진행 중인 방송이 아닙니다"),
	model.CodeNotAnnounceable: refuse(http.StatusConflict, "알림을 보낼 수 있는 방송이 아닙니다"),
	model.CodeEarlierLive:     refuse(http.StatusBadRequest, "이전 방송이 아직 종료되지 않았습니다"),
	model.CodeNoUpstream:      errTryLater,
	model.CodeDuplicatedAlias: {
		Status: http.StatusBadRequest, Message: "이미 사용 중인 닉네임입니다", Code: string(model.CodeDuplicatedAlias),
	},
}

// fail answers an error. What is our own fault is logged here and nowhere else.
func (a *api) fail(w http.ResponseWriter, r *http.Request, err error) {
	answer := refusalOf(err)
	a.logFault(r, answer.Status, err)
	if encodeErr := bare(w, answer.Status, map[string]*refusal{"error": answer}); encodeErr != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func (a *api) logFault(r *http.Request, status int, err error) {
	if status >= http.StatusInternalServerError && r.Context().Err() == nil {
		a.Logger.ErrorContext(r.Context(), "request failed", "method", r.Method, "error", err,
			"route", chi.RouteContext(r.Context()).RoutePattern(), "request_id", middleware.GetReqID(r.Context()))
	}
}

// refusalOf sorts an error: the caller's mistake, an upstream in trouble, or
// our own fault, of which nobody outside learns more.
func refusalOf(err error) *refusal {
	var (
		answer   *refusal
		business *model.Error
		shop     *clayful.Error
		silent   *serviceerror.Unavailable
		late     *serviceerror.DeadlineExceeded
	)
	switch {
	case errors.As(err, &answer):
		return answer
	case errors.As(err, &business):
		if known, ok := businessRefusals[business.Code]; ok {
			return known
		}
		return &refusal{Status: http.StatusBadRequest, Message: errBadRequest.Message, Detail: business.Detail}
	case clayful.IsUnavailable(err), iamport.IsUnavailable(err), social.IsUnavailable(err), errors.Is(err, errMux),
		errors.As(err, &silent), errors.As(err, &late), errors.Is(err, context.DeadlineExceeded):
		return errTryLater
	case errors.As(err, &shop):
		return &refusal{Status: http.StatusBadRequest, Message: cmp.Or(shop.Message, errBadRequest.Message), Code: shop.Code}
	}
	return refuse(http.StatusInternalServerError, "서버 오류가 발생했습니다")
}

// errMux marks an error as Mux's.
var errMux = errors.New("mux")
