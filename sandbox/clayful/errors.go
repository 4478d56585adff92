package clayful

import (
	"fmt"
	"net/http"
	"strings"
)

// apiError is an answer in Clayful's error envelope.
type apiError struct {
	status int
	code   string
	source string // the field a validation failed on
}

// Error implements error.
func (e *apiError) Error() string { return fmt.Sprintf("%d %s %s", e.status, e.code, e.source) }

var errUnauthorized = &apiError{status: http.StatusUnauthorized, code: "unauthorized"}

func badRequest(code string) error { return &apiError{status: http.StatusBadRequest, code: code} }

func invalid(source string) error {
	return &apiError{status: http.StatusBadRequest, code: "validation", source: "payload." + source}
}

func notExisting(model string) error {
	return &apiError{status: http.StatusNotFound, code: "not-existing-" + kebab(singular(model))}
}

var messages = map[string][2]string{ // ko, en
	"unauthorized":          {"인증이 필요합니다.", "Authentication is required."},
	"forbidden":             {"권한이 없습니다.", "Not permitted."},
	"validation":            {"입력 값이 올바르지 않습니다.", "The input is not valid."},
	"duplicated-email":      {"이미 사용 중인 이메일입니다.", "The email is already in use."},
	"duplicated-user-id":    {"이미 사용 중인 아이디입니다.", "The user id is already in use."},
	"invalid-password":      {"비밀번호가 올바르지 않습니다.", "The password is not right."},
	"not-existing-customer": {"존재하지 않는 고객입니다.", "The customer does not exist."},
	"email-required":        {"이메일이 없는 고객입니다.", "The customer has no email."},
	"not-existing-image":    {"존재하지 않는 이미지입니다.", "The image does not exist."},
	"not-existing-review":   {"존재하지 않는 리뷰입니다.", "The review does not exist."},
	"invalid-model-image":   {"다른 용도의 이미지입니다.", "The image was made for another model."},
	"invalid-field-image":   {"다른 용도의 이미지입니다.", "The image was made for another field."},
	"not-purchased-product": {"구매하지 않은 상품입니다.", "The product was not purchased."},
	"invalid-secret":        {"유효하지 않은 링크입니다.", "The secret is not valid."},
}

func refuse(w http.ResponseWriter, r *http.Request, err *apiError) {
	body := map[string]any{"statusCode": err.status, "error": http.StatusText(err.status)}
	body["message"] = http.StatusText(err.status)
	if err.code != "" {
		body["errorCode"], body["message"] = err.code, err.code
		if words, ok := messages[err.code]; ok {
			body["message"] = words[0]
			if strings.HasPrefix(r.Header.Get("Accept-Debug-Language"), "en") {
				body["message"] = words[1]
			}
		}
	}
	if err.source != "" {
		body["validation"] = map[string]string{"source": err.source}
	}
	answer(w, err.status, body)
}
