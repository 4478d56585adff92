package iamport

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// Payment is what Iamport knows of a payment. Times are unix seconds, 0 when it
// is not so.
type Payment struct {
	ImpUID        string
	MerchantUID   string // the order's id
	PayMethod     string // card, trans, vbank, phone, …
	Status        string // ready, paid, cancelled, failed
	Currency      string
	Sandbox       bool
	Amount        int64
	CancelAmount  int64
	PaidAt        int64
	FailedAt      int64
	CancelledAt   int64
	CardNumber    string
	VBankCode     string // the bank's
	VBankName     string
	VBankNum      string
	VBankHolder   string
	VBankDate     int64 // until when the virtual account takes the money
	VBankIssuedAt int64
	CancelHistory []Cancellation
	Raw           json.RawMessage // the whole of it
}

// Cancellation is one giving back.
type Cancellation struct {
	Amount int64
	Reason string
	ID     string
	At     int64
}

// Paid tells whether the money ever came, whatever became of it.
func (p Payment) Paid() bool { return p.PaidAt > 0 }

// Left is what of the amount was not given back, in won.
func (p Payment) Left() int64 { return p.Amount - p.CancelAmount }

// UnmarshalJSON implements json.Unmarshaler. Numbers may be in strings, and
// anything may be null.
func (p *Payment) UnmarshalJSON(data []byte) error {
	var in struct {
		ImpUID        text    `json:"imp_uid"`
		MerchantUID   text    `json:"merchant_uid"`
		PayMethod     text    `json:"pay_method"`
		Status        text    `json:"status"`
		Currency      text    `json:"currency"`
		Sandbox       boolean `json:"sandbox"`
		Amount        number  `json:"amount"`
		CancelAmount  number  `json:"cancel_amount"`
		PaidAt        number  `json:"paid_at"`
		FailedAt      number  `json:"failed_at"`
		CancelledAt   number  `json:"cancelled_at"`
		CardNumber    text    `json:"card_number"`
		VBankCode     text    `json:"vbank_code"`
		VBankName     text    `json:"vbank_name"`
		VBankNum      text    `json:"vbank_num"`
		VBankHolder   text    `json:"vbank_holder"`
		VBankDate     number  `json:"vbank_date"`
		VBankIssuedAt number  `json:"vbank_issued_at"`
		CancelHistory []struct {
			Amount number `json:"amount"`
			Reason text   `json:"reason"`
			ID     text   `json:"cancellation_id"`
			At     number `json:"cancelled_at"`
		} `json:"cancel_history"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	*p = Payment{
		ImpUID: string(in.ImpUID), MerchantUID: string(in.MerchantUID), PayMethod: string(in.PayMethod), Status: string(in.Status),
		Currency: string(in.Currency), Sandbox: bool(in.Sandbox), Amount: int64(in.Amount), CancelAmount: int64(in.CancelAmount),
		PaidAt: int64(in.PaidAt), FailedAt: int64(in.FailedAt), CancelledAt: int64(in.CancelledAt), CardNumber: string(in.CardNumber),
		VBankCode: string(in.VBankCode), VBankName: string(in.VBankName), VBankNum: string(in.VBankNum), VBankHolder: string(in.VBankHolder),
		VBankDate: int64(in.VBankDate), VBankIssuedAt: int64(in.VBankIssuedAt), Raw: bytes.Clone(data),
	}
	for _, c := range in.CancelHistory {
		p.CancelHistory = append(p.CancelHistory, Cancellation{int64(c.Amount), string(c.Reason), string(c.ID), int64(c.At)})
	}
	return nil
}

// exact is up to where a float64 holds every whole number.
const exact = 1 << 53

// number is a whole number, perhaps in a string; null is 0.
type number int64

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(data []byte) error {
	literal := string(bytes.Trim(data, `"`))
	if literal == "null" || literal == "" {
		*n = 0
		return nil
	}
	if whole, err := strconv.ParseInt(literal, 10, 64); err == nil {
		*n = number(whole)
		return nil
	}
	f, err := strconv.ParseFloat(literal, 64)
	if err != nil || math.Abs(f) > exact || f != math.Trunc(f) {
		return fmt.Errorf("%.30q is no whole number", literal)
	}
	*n = number(f)
	return nil
}

// text is a string, or a number that should be one; null is "".
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(data []byte) error {
	switch {
	case bytes.Equal(data, []byte("null")):
		*t = ""
		return nil
	case len(data) > 0 && data[0] == '"':
		return json.Unmarshal(data, (*string)(t))
	case len(data) > 0 && (data[0] == '{' || data[0] == '['):
		return fmt.Errorf("%.30s is no text", data)
	}
	*t = text(data)
	return nil
}

// boolean is true, 1 or "true".
type boolean bool

// UnmarshalJSON implements json.Unmarshaler.
func (b *boolean) UnmarshalJSON(data []byte) error {
	literal := string(bytes.Trim(data, `"`))
	*b = literal == "true" || literal == "1"
	return nil
}
