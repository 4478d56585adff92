package activities_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/clients/iamport"
	"github.com/byeolshow/byeolshow/model"
)

// outside is Iamport and the shop, as far as giving back goes. Cancels are the
// requests that reached Iamport.
type outside struct {
	payments, refunds string
	account           string
	cancels           []map[string]any
}

func (o *outside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/users/getToken"):
		fmt.Fprint(w, `{"code":0,"response":{"access_token":"t","now":1,"expired_at":1801}}`)
	case strings.HasPrefix(r.URL.Path, "/payments/findAll/"):
		fmt.Fprintf(w, `{"code":0,"response":{"list":%s}}`, o.payments)
	case r.URL.Path == "/payments/cancel":
		var request map[string]any
		_ = json.NewDecoder(r.Body).Decode(&request)
		o.cancels = append(o.cancels, request)
		fmt.Fprint(w, `{"code":0,"response":{"imp_uid":"imp_1","amount":1000}}`)
	case strings.HasPrefix(r.URL.Path, "/v1/orders/"):
		fmt.Fprintf(w, `{"_id":"ORDER2222222","status":"under-refunded","refunds":%s}`, o.refunds)
	case strings.HasPrefix(r.URL.Path, "/v1/customers/"):
		fmt.Fprintf(w, `{"_id":"CUSTXMER2222","meta":{%s}}`, o.account)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// TestGiveBack sends what is due back, and nothing that is not.
func TestGiveBack(t *testing.T) {
	t.Parallel()
	const (
		paid     = `{"imp_uid":"imp_1","merchant_uid":"ORDER2222222","amount":1000,"paid_at":5,"currency":"KRW","pay_method":"card","status":"paid"}`
		returned = `{"imp_uid":"imp_1","amount":1000,"cancel_amount":400,"paid_at":5,"cancel_history":[{"amount":400,"reason":"환불 [refund R1]"}]}`
		spent    = `{"imp_uid":"imp_1","amount":1000,"cancel_amount":800,"paid_at":5,"cancel_history":[{"amount":800,"reason":"by hand"}]}`
		second   = `{"imp_uid":"imp_9","amount":1000,"paid_at":9,"currency":"KRW","pay_method":"vbank"}`
		deposit  = `{"imp_uid":"imp_1","amount":1000,"paid_at":5,"currency":"KRW","pay_method":"vbank"}`
		foreign  = `{"imp_uid":"imp_5","amount":900.5,"paid_at":3,"currency":"USD","pay_method":"card"}`
		account  = `"refund_holder":"데모","refund_bank":"04","refund_account":"110"`
	)
	refund := func(status string, amount int) string {
		return fmt.Sprintf(`[{"_id":"R1","status":%q,"total":{"price":{"withTax":%d}}}]`, status, amount)
	}
	for name, c := range map[string]struct {
		payments, refunds, account string
		fails                      string // the type of the error
		sent                       bool
	}{
		"accepted":                   {paid, refund("accepted", 400), "", "", true},
		"from what was paid first":   {paid + "," + second, refund("accepted", 400), "", "", true},
		"from won alone":             {foreign + "," + paid, refund("accepted", 400), "", "", true},
		"sent by an earlier run":     {returned, refund("accepted", 400), "", "", false},
		"sent, and accepted no more": {returned, refund("requested", 400), "", "", false},
		"accepted no more":           {paid, refund("requested", 400), "", activities.ErrorNotAccepted, false},
		"cancelled":                  {paid, refund("cancelled", 400), "", activities.ErrorNotAccepted, false},
		"accepted with another sum":  {paid, refund("accepted", 300), "", activities.ErrorNotAccepted, false},
		"too little left":            {spent, refund("accepted", 400), "", activities.ErrorNothingLeft, false},
		"into an account":            {deposit, refund("accepted", 400), account, "", true},
		"without an account":         {deposit, refund("accepted", 400), "", activities.ErrorNoAccount, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &outside{payments: "[" + c.payments + "]", refunds: c.refunds, account: c.account}
			server := httptest.NewServer(o)
			t.Cleanup(server.Close)
			steps := activities.New(activities.Config{
				Clayful: clayful.New(clayful.Config{BaseURL: server.URL, Token: "t"}),
				Iamport: iamport.New(iamport.Config{BaseURL: server.URL, Key: "k", Secret: "s"}),
			})
			err := steps.GiveBack(t.Context(), activities.Return{
				OrderID: "ORDER2222222", CustomerID: "CUSTXMER2222", Amount: 400, Reference: "refund R1", Reason: "환불", RefundID: "R1",
			})
			if c.fails == "" {
				require.NoError(t, err)
			} else {
				var app *temporal.ApplicationError
				require.ErrorAs(t, err, &app)
				require.Equal(t, c.fails, app.Type())
			}
			if !c.sent {
				require.Empty(t, o.cancels)
				return
			}
			require.Len(t, o.cancels, 1)
			require.Equal(t, "imp_1", o.cancels[0]["imp_uid"])
			require.InDelta(t, 400, o.cancels[0]["amount"], 0)
			require.InDelta(t, 1000, o.cancels[0]["checksum"], 0)
			require.Contains(t, o.cancels[0]["reason"], "refund R1")
			require.Equal(t, c.account != "", o.cancels[0]["refund_account"] == "110")
		})
	}
}

// TestGiveAllBack returns a payment that was not right: all that is left of it,
// and of no other.
func TestGiveAllBack(t *testing.T) {
	t.Parallel()
	const (
		other   = `{"imp_uid":"imp_1","merchant_uid":"ORDER2222222","amount":1000,"paid_at":5}`
		wrong   = `{"imp_uid":"imp_2","merchant_uid":"ORDER2222222","amount":700,"cancel_amount":100,"paid_at":6}`
		emptied = `{"imp_uid":"imp_2","merchant_uid":"ORDER2222222","amount":700,"cancel_amount":700,"paid_at":6}`
	)
	for name, c := range map[string]struct {
		payments string
		fails    bool
		sent     float64
	}{
		"what is left":             {other + "," + wrong, false, 600},
		"nothing is left":          {other + "," + emptied, false, 0},
		"iamport does not tell of": {other, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &outside{payments: "[" + c.payments + "]"}
			server := httptest.NewServer(o)
			t.Cleanup(server.Close)
			steps := activities.New(activities.Config{Iamport: iamport.New(iamport.Config{BaseURL: server.URL, Key: "k", Secret: "s"})})
			err := steps.GiveBack(t.Context(), activities.Return{OrderID: "ORDER2222222", ImpUID: "imp_2", Reference: "return imp_2"})
			require.Equal(t, c.fails, err != nil, "%v", err)
			if c.sent == 0 {
				require.Empty(t, o.cancels)
				return
			}
			require.Len(t, o.cancels, 1)
			require.Equal(t, "imp_2", o.cancels[0]["imp_uid"])
			require.InDelta(t, c.sent, o.cancels[0]["amount"], 0)
			require.InDelta(t, c.sent, o.cancels[0]["checksum"], 0)
		})
	}
}

// TestGiveBackForAnOperator sends nothing unless what is left is what the
// operator saw, and no refund of the shop waits for it.
func TestGiveBackForAnOperator(t *testing.T) {
	t.Parallel()
	const (
		paid   = `{"imp_uid":"imp_1","merchant_uid":"ORDER2222222","amount":1000,"paid_at":5}`
		before = `{"imp_uid":"imp_1","amount":1000,"cancel_amount":400,"paid_at":5,"cancel_history":[{"amount":400,"reason":"환불 [refund R1]"}]}`
		twice  = `{"imp_uid":"imp_1","amount":1000,"cancel_amount":300,"paid_at":5,"cancel_history":[{"amount":300,"reason":"x [operator refund 300 of 1000 won]"}]}`
		spent  = `{"imp_uid":"imp_1","amount":1000,"cancel_amount":1000,"paid_at":5}`
	)
	refund := func(status string) string {
		return fmt.Sprintf(`[{"_id":"R1","status":%q,"total":{"price":{"withTax":400}}}]`, status)
	}
	for name, c := range map[string]struct {
		payment, refunds string
		left             int
		refused, sent    bool
	}{
		"as seen":                 {paid, `[]`, 1000, false, true},
		"given a moment ago":      {twice, `[]`, 1000, false, false},
		"another amount is left":  {before, `[]`, 1000, true, false},
		"nothing is left":         {spent, `[]`, 1000, true, false},
		"besides a paid refund":   {before, refund("accepted"), 600, false, true},
		"besides a cancelled one": {paid, refund("cancelled"), 1000, false, true},
		"a refund waits":          {paid, refund("accepted"), 1000, true, false},
		"a refund is asked for":   {paid, refund("requested"), 1000, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &outside{payments: "[" + c.payment + "]", refunds: c.refunds}
			server := httptest.NewServer(o)
			t.Cleanup(server.Close)
			steps := activities.New(activities.Config{
				Clayful: clayful.New(clayful.Config{BaseURL: server.URL, Token: "t"}),
				Iamport: iamport.New(iamport.Config{BaseURL: server.URL, Key: "k", Secret: "s"}),
			})
			err := steps.GiveBack(t.Context(), activities.Return{
				OrderID: "ORDER2222222", ImpUID: "imp_1", Amount: 300, Left: model.KRW(c.left),
				Reference: fmt.Sprintf("operator refund 300 of %d won", c.left), Reason: "x",
			})
			if c.refused {
				var app *temporal.ApplicationError
				require.ErrorAs(t, err, &app)
				require.Equal(t, activities.ErrorNotRefundable, app.Type())
				require.True(t, app.NonRetryable())
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, c.sent, len(o.cancels) == 1)
		})
	}
}
