package activities

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/clients/iamport"
	"github.com/byeolshow/byeolshow/clients/mux"
	"github.com/byeolshow/byeolshow/model"
)

// TestErrorsNameWhoIsToBlame has every vendor be silent, broken and refusing.
func TestErrorsNameWhoIsToBlame(t *testing.T) {
	answering := func(status int, body string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/users/getToken" {
				_, _ = fmt.Fprint(w, `{"code":0,"response":{"access_token":"t","now":1,"expired_at":1801}}`)
				return
			}
			w.WriteHeader(status)
			_, _ = fmt.Fprint(w, body)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	const silent = "http://127.0.0.1:1"
	shop := func(url string) error {
		return clayful.New(clayful.Config{BaseURL: url, Token: "t"}).MarkDone(t.Context(), "O")
	}
	bank := func(url string) error {
		_, err := iamport.New(iamport.Config{BaseURL: url, Key: "k", Secret: "s"}).Cancel(t.Context(), iamport.CancelRequest{Amount: 1})
		return err
	}
	video := func(url string) error {
		client, err := mux.New(mux.Config{BaseURL: url, TokenID: "i", TokenSecret: "s"})
		require.NoError(t, err)
		return client.DeleteAsset(t.Context(), "A")
	}
	refusal := Refuse(&model.Error{Code: model.CodeOrderStatus})
	for name, c := range map[string]struct {
		err                 error
		kind, system, words string
	}{
		"Clayful is silent": {shop(silent), ErrorDown, VendorClayful, ""},
		"Clayful is broken": {shop(answering(503, "")), ErrorDown, VendorClayful, ""},
		"Clayful refuses":   {shop(answering(400, `{"errorCode":"done-order","message":"이미 완료"}`)), ErrorRefused, VendorClayful, "이미 완료"},
		"Iamport is silent": {bank(silent), ErrorDown, VendorIamport, ""},
		"Iamport is broken": {bank(answering(500, "")), ErrorDown, VendorIamport, ""},
		"Iamport refuses":   {bank(answering(200, `{"code":1,"message":"잔액이 다릅니다"}`)), ErrorRefused, VendorIamport, "잔액이 다릅니다"},
		"Mux is silent":     {video(silent), ErrorDown, VendorMux, ""},
		"Mux is broken":     {video(answering(500, "")), ErrorDown, VendorMux, ""},
		"Mux refuses":       {video(answering(403, "")), ErrorRefused, VendorMux, ""},
		"Postgres is away":  {fmt.Errorf("read broadcast: %w", &pgconn.ConnectError{Config: &pgconn.Config{}}), ErrorDown, Postgres, ""},
		"Postgres cannot":   {fmt.Errorf("read broadcast: %w", &pgconn.PgError{Code: "53300"}), ErrorDown, Postgres, ""},
		"several at once":   {errors.Join(errors.New("own"), shop(silent)), ErrorDown, VendorClayful, ""},
		"marked otherwise":  {refusal, string(model.CodeOrderStatus), "", ""},
		"nobody else":       {errors.New("own"), "", "", ""},
		"called off":        {fmt.Errorf("x: %w", context.Canceled), "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := blame(c.err)
			require.ErrorContains(t, err, c.err.Error())
			var app *temporal.ApplicationError
			if c.kind == "" {
				require.NotErrorAs(t, err, &app)
				return
			}
			require.ErrorAs(t, err, &app)
			require.Equal(t, c.kind, app.Type())
			require.Equal(t, c.system, Blamed(app).System)
			if c.words != "" {
				require.NotContains(t, err.Error(), c.words)
				require.Equal(t, c.words, Blamed(app).Words)
			}
			require.Equal(t, c.system == "", app.NonRetryable())
		})
	}
	require.NoError(t, blame(nil))
}
