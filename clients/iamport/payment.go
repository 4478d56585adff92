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
	Amount        int64 // in units of the currency, rounded up
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

// Left is what of the amount was not given back.
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
		Amount        amount  `json:"amount"`
		CancelAmount  amount  `json:"cancel_amount"`
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
			Amount amount `json:"amount"`
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
		Currency: string(in.Currency), Sandbox: bool(in.Sandbox), Amount: in.Amount.ceil, CancelAmount: in.CancelAmount.ceil,
		PaidAt: int64(in.PaidAt), FailedAt: int64(in.FailedAt), CancelledAt: int64(in.CancelledAt), CardNumber: string(in.CardNumber),
		VBankCode: string(in.VBankCode), VBankName: string(in.VBankName), VBankNum: string(in.VBankNum), VBankHolder: string(in.VBankHolder),
		VBankDate: int64(in.VBankDate), VBankIssuedAt: int64(in.VBankIssuedAt), Raw: bytes.Clone(data),
	}
	parts := in.Amount.parts || in.CancelAmount.parts
	for _, c := range in.CancelHistory {
		parts = parts || c.Amount.parts
		p.CancelHistory = append(p.CancelHistory, Cancellation{c.Amount.ceil, string(c.Reason), string(c.ID), int64(c.At)})
	}
	if parts && (p.Currency == "" || p.Currency == "KRW") {
		return fmt.Errorf("payment %.30q is of parts of a won", p.ImpUID)
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

// amount is a sum of money. One in parts of a currency's unit, which the won has
// not, is rounded up: it is never nothing.
type amount struct {
	ceil  int64
	parts bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (a *amount) UnmarshalJSON(data []byte) error {
	var whole number
	err := whole.UnmarshalJSON(data)
	*a = amount{ceil: int64(whole)}
	if err == nil {
		return nil
	}
	f, notANumber := strconv.ParseFloat(string(bytes.Trim(data, `"`)), 64)
	if notANumber != nil || math.IsNaN(f) || math.Abs(f) > exact {
		return err
	}
	*a = amount{int64(math.Ceil(f)), true}
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
