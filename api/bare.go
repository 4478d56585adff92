package api

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"github.com/byeolshow/byeolshow/clients/clayful"
)

// Two refusals that the app compares to the letter.
var literals = map[string]string{
	"received-order":                     "이미 수령 완료된 주문입니다.",
	"mismatching-vendor-order-resources": "여러 입점사의 주문 요소가 포함되었습니다.",
}

// bareErrors serves a route whose errors are JSON strings, "<code> <message>".
func (a *api) bareErrors(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil {
			return
		}
		err = a.unlessExpired(r, err)
		answer := bareRefusalOf(err)
		if answer.Code == "" { // the guards', the sizes' and our own faults
			a.fail(w, r, err)
			return
		}
		a.logFault(r, answer.Status, err)
		words := strings.TrimSuffix(answer.Code+" "+answer.Message, " ")
		if encodeErr := bare(w, answer.Status, words); encodeErr != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}
}

// codesOnly makes of every refusal a 400 that says its code and nothing else.
func codesOnly(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := h(w, r)
		if err == nil || clayful.IsCode(err, "unauthorized") {
			return err
		}
		if answer := bareRefusalOf(err); answer.Code != "" && answer.Status < http.StatusInternalServerError {
			return &refusal{Status: http.StatusBadRequest, Code: answer.Code}
		}
		return err
	}
}

// bareRefusalOf is what a group B route answers; without a code it is wrapped.
func bareRefusalOf(err error) *refusal {
	var shop *clayful.Error
	if errors.As(err, &shop) && !clayful.IsUnavailable(err) {
		return spoken(shop.Status, shop.Code, cmp.Or(shop.Message, errBadRequest.Message))
	}
	answer := *refusalOf(err)
	switch {
	case answer.Code != "" && answer.Status < http.StatusInternalServerError:
		return spoken(answer.Status, answer.Code, answer.Message)
	case answer.Status == http.StatusBadRequest:
		message := answer.Detail
		if message == "" {
			message = answer.Message
		}
		return &refusal{Status: answer.Status, Code: "validation", Message: message}
	case answer.Status == http.StatusServiceUnavailable:
		return &refusal{Status: answer.Status, Code: "upstream-unavailable", Message: answer.Message}
	}
	answer.Code = ""
	return &answer
}

// spoken is a refusal in the shop's words, or in those the app knows.
func spoken(status int, code, message string) *refusal {
	if status < 400 || status > 499 {
		status = http.StatusBadRequest
	}
	if literal, ok := literals[code]; ok {
		message = literal
	}
	if code == "" {
		code = "refused"
	}
	return &refusal{Status: status, Code: code, Message: message}
}
