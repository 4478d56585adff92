package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/model"
)

func TestBareErrorsAsTheyAreAnswered(t *testing.T) {
	t.Parallel()
	const later = `"upstream-unavailable 잠시 후 다시 시도해 주세요"`
	shop := func(status int, code, message string) error {
		return fmt.Errorf("GET /products: %w", &clayful.Error{Status: status, Code: code, Message: message})
	}
	for name, test := range map[string]struct {
		err    error
		status int
		body   string
		logged bool
	}{
		"the shop's refusal":     {shop(404, "not-existing-product", "없는 상품입니다."), 404, `"not-existing-product 없는 상품입니다."`, false},
		"its status is kept":     {shop(422, "items-exceeded", "너무 많습니다"), 422, `"items-exceeded 너무 많습니다"`, false},
		"received already":       {shop(400, "received-order", "already"), 400, `"received-order 이미 수령 완료된 주문입니다."`, false},
		"several vendors":        {shop(400, "mismatching-vendor-order-resources", ""), 400, `"mismatching-vendor-order-resources 여러 입점사의 주문 요소가 포함되었습니다."`, false},
		"ours of the same code":  {&refusal{Status: 409, Code: "received-order", Message: "x"}, 409, `"received-order 이미 수령 완료된 주문입니다."`, false},
		"a refusal with no code": {shop(400, "", "Bad Request"), 400, `"refused Bad Request"`, false},
		"own bad input":          {bad("page is not a positive integer"), 400, `"validation page is not a positive integer"`, false},
		"own refusal":            {refuse(400, "없습니다"), 400, `"validation 없습니다"`, false},
		"own refusal with code":  {&refusal{Status: 409, Code: "issued-coupon", Message: "이미 발급된 쿠폰입니다"}, 409, `"issued-coupon 이미 발급된 쿠폰입니다"`, false},
		"the business's":         {&model.Error{Code: "other", Detail: "too many"}, 400, `"validation too many"`, false},
		"the shop is busy":       {shop(429, "too-many", "x"), 503, later, true},
		"the shop is broken":     {shop(500, "", "stack trace"), 503, later, true},
		"we were too slow":       {context.DeadlineExceeded, 503, later, true},
		"no login":               {errNotLoggedIn, 401, `{"error":{"message":"로그인이 필요합니다"}}`, false},
		"wrong method":           {refuse(405, "x"), 405, `{"error":{"message":"x"}}`, false},
		"too large":              {refuse(413, "x"), 413, `{"error":{"message":"x"}}`, false},
		"too often":              {refuse(429, "x"), 429, `{"error":{"message":"x"}}`, false},
		"our own fault":          {errors.New("secret"), 500, `{"error":{"message":"서버 오류가 발생했습니다"}}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			a := &api{Config: Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}}
			w := httptest.NewRecorder()
			r := routed(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
			a.bareErrors(func(http.ResponseWriter, *http.Request) error { return test.err })(w, r)
			require.Equal(t, test.status, w.Code)
			require.Equal(t, test.body, w.Body.String())
			require.Equal(t, "application/json; charset=utf-8", w.Header().Get("Content-Type"))
			logged := 0
			if test.logged {
				logged = 1
			}
			require.Equal(t, logged, strings.Count(log.String(), "request failed"), log.String())
		})
	}
}

func TestBareErrorsLeaveAnswersAlone(t *testing.T) {
	t.Parallel()
	a := &api{}
	w := httptest.NewRecorder()
	a.bareErrors(func(w http.ResponseWriter, _ *http.Request) error {
		return bare(w, http.StatusOK, []int{})
	})(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	require.Equal(t, 200, w.Code)
	require.Equal(t, `[]`, w.Body.String())
}
