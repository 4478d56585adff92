package iamport_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/clients/iamport"
)

func TestAPaymentIsReadWhole(t *testing.T) {
	t.Parallel()
	const text = `{"imp_uid":"imp_1","merchant_uid":"O","pay_method":"vbank","status":"cancelled","currency":"KRW","sandbox":true,
		"amount":1000,"cancel_amount":"300","paid_at":5,"failed_at":null,"cancelled_at":"7","card_number":null,
		"vbank_code":"04","vbank_name":"국민은행","vbank_num":123,"vbank_holder":"별쇼","vbank_date":9,"vbank_issued_at":4,
		"cancel_history":[{"amount":3e2,"reason":"r","cancellation_id":"c","cancelled_at":7}],"unknown":{"kept":[true]}}`
	var p iamport.Payment
	require.NoError(t, json.Unmarshal([]byte(text), &p))
	require.JSONEq(t, text, string(p.Raw))
	p.Raw = nil
	require.Equal(t, iamport.Payment{
		ImpUID: "imp_1", MerchantUID: "O", PayMethod: "vbank", Status: "cancelled", Currency: "KRW", Sandbox: true,
		Amount: 1000, CancelAmount: 300, PaidAt: 5, CancelledAt: 7,
		VBankCode: "04", VBankName: "국민은행", VBankNum: "123", VBankHolder: "별쇼", VBankDate: 9, VBankIssuedAt: 4,
		CancelHistory: []iamport.Cancellation{{Amount: 300, Reason: "r", ID: "c", At: 7}},
	}, p)
	require.True(t, p.Paid())
	require.EqualValues(t, 700, p.Left())
}

func TestAmountsAreReadExactlyOrNotAtAll(t *testing.T) {
	t.Parallel()
	for text, amount := range map[string]int64{
		`1000`: 1000, `"1000"`: 1000, `1e3`: 1000, `1000.0`: 1000, `null`: 0, `""`: 0, `-5`: -5, `9007199254740993`: 9007199254740993,
	} {
		var p iamport.Payment
		require.NoError(t, json.Unmarshal([]byte(`{"amount":`+text+`}`), &p), text)
		require.Equal(t, amount, p.Amount, text)
	}
	for _, text := range []string{`10.5`, `"ten"`, `true`, `{}`, `[1]`, `1e99`, `9223372036854775808`, `"NaN"`, `"Inf"`} {
		var p iamport.Payment
		require.Error(t, json.Unmarshal([]byte(`{"amount":`+text+`}`), &p), text)
	}
}

// TestPartsOfAForeignUnitSpoilNoOtherPayment: what is in cents is read beside
// what is in won, and never as nothing.
func TestPartsOfAForeignUnitSpoilNoOtherPayment(t *testing.T) {
	t.Parallel()
	var list []iamport.Payment
	require.NoError(t, json.Unmarshal([]byte(`[{"imp_uid":"imp_1","currency":"USD","amount":0.5,"cancel_amount":0},
		{"imp_uid":"imp_2","currency":"USD","amount":"10.5","cancel_amount":10.5,"cancel_history":[{"amount":10.5}]},
		{"imp_uid":"imp_3","currency":"KRW","amount":1000}]`), &list))
	var left []int64
	for _, p := range list {
		left = append(left, p.Left())
	}
	require.Equal(t, []int64{1, 0, 1000}, left)
	for _, text := range []string{`{"amount":1e99,"currency":"USD"}`, `{"amount":"NaN","currency":"USD"}`, `{"cancel_amount":0.5,"currency":"KRW"}`} {
		var p iamport.Payment
		require.Error(t, json.Unmarshal([]byte(text), &p), text)
	}
}
