package clayful

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// IamportConfig is where the shop looks up what was paid, and its key there.
type IamportConfig struct {
	BaseURL, Key, Secret string
}

// transaction is what went through one payment method, in KRW.
type transaction struct {
	PaymentMethod string  `json:"paymentMethod"`
	Paid          int64   `json:"paid"`
	Cancelled     int64   `json:"cancelled"` // given back through the payment service
	Refunded      int64   `json:"refunded"`  // given back otherwise
	VBanks        []vbank `json:"vbanks"`
	CreatedAt     string  `json:"createdAt"`
	UpdatedAt     string  `json:"updatedAt"`
}

type vbank struct {
	Name      string  `json:"name"`
	Number    string  `json:"number"`
	Holder    string  `json:"holder"`
	Amount    int64   `json:"amount"`
	ExpiresAt *string `json:"expiresAt"`
}

// sums are what the shop's operator writes down of a payment method.
type sums struct {
	Paid      *int64 `json:"paid"`
	Cancelled *int64 `json:"cancelled"`
	Refunded  *int64 `json:"refunded"`
}

// errOvertaken: another pull of the same order was written since this one began.
var errOvertaken = errors.New("overtaken")

// updateTransactions takes over what Iamport knows of an order's payments, or,
// with a body, what the shop's operator writes down per payment method.
func (s *Server) updateTransactions(c call) (any, error) {
	var manual map[string]sums
	if err := readInto(c.Request, &manual); err != nil {
		return nil, err
	}
	if c.customer != "" && manual != nil {
		return nil, invalid("")
	}
	d, err := s.ownOrder(c)
	if err != nil {
		return nil, err
	}
	for {
		answer, err := s.syncTransactions(c, d, manual)
		if !errors.Is(err, errOvertaken) {
			return answer, err
		}
	}
}

func (s *Server) syncTransactions(c call, d document, manual map[string]sums) (any, error) {
	var pulled transaction
	var err error
	began := stamp(time.Now())
	if manual == nil {
		if pulled, err = s.config.Iamport.pull(c.Context(), d.id()); err != nil {
			s.config.Logger.WarnContext(c.Context(), "iamport could not be asked", "order", d.id(), "error", err)
			return nil, &apiError{status: http.StatusBadGateway, code: "payment-gateway-error"}
		}
	}
	now := stamp(time.Now())
	o, err := s.changeOrder(c, "updateTransactions", nil, func(_ pgx.Tx, o *order) error {
		o.SyncTriedAt = &now
		if manual == nil {
			if len(o.Transactions) > 0 {
				t := &o.Transactions[0]
				if t.UpdatedAt >= began {
					return errOvertaken
				}
				t.Paid, t.Cancelled, t.VBanks, t.UpdatedAt = pulled.Paid, pulled.Cancelled, pulled.VBanks, now
			}
			return nil
		}
		for method, in := range manual {
			i := slices.IndexFunc(o.Transactions, func(t transaction) bool { return t.PaymentMethod == method })
			if i < 0 {
				o.Transactions, i = append(o.Transactions, transaction{PaymentMethod: method, VBanks: []vbank{}, CreatedAt: now}), len(o.Transactions)
			}
			t := &o.Transactions[i]
			for into, value := range map[*int64]*int64{&t.Paid: in.Paid, &t.Cancelled: in.Cancelled, &t.Refunded: in.Refunded} {
				if value != nil {
					*into = *value
				}
			}
			t.UpdatedAt = now
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{"status": o.Status, "transactions": o.Transactions}, nil
}

var iamportHTTP = &http.Client{Timeout: 5 * time.Second}

// pull sums up the payments that name the order.
func (i IamportConfig) pull(ctx context.Context, order string) (transaction, error) {
	t := transaction{VBanks: []vbank{}}
	if i.BaseURL == "" {
		return t, nil
	}
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := i.call(ctx, http.MethodPost, "/users/getToken", "", map[string]string{"imp_key": i.Key, "imp_secret": i.Secret}, &token); err != nil {
		return t, fmt.Errorf("get token: %w", err)
	}
	var found struct {
		List []struct {
			Amount       int64  `json:"amount"`
			CancelAmount int64  `json:"cancel_amount"`
			PaidAt       int64  `json:"paid_at"`
			PayMethod    string `json:"pay_method"`
			Status       string `json:"status"`
			VBankName    string `json:"vbank_name"`
			VBankNum     string `json:"vbank_num"`
			VBankHolder  string `json:"vbank_holder"`
			VBankDate    int64  `json:"vbank_date"`
		} `json:"list"`
	}
	if err := i.call(ctx, http.MethodGet, "/payments/findAll/"+url.PathEscape(order)+"?limit=1000", token.AccessToken, nil, &found); err != nil {
		return t, fmt.Errorf("find payments: %w", err)
	}
	for _, p := range found.List {
		if p.PaidAt > 0 {
			t.Paid += p.Amount
			t.Cancelled += p.CancelAmount
		}
		if p.PayMethod == "vbank" && p.VBankNum != "" && p.Status != "failed" {
			expires := stamp(time.Unix(p.VBankDate, 0))
			t.VBanks = append(t.VBanks, vbank{p.VBankName, p.VBankNum, p.VBankHolder, p.Amount, &expires})
		}
	}
	return t, nil
}

func (i IamportConfig) call(ctx context.Context, method, path, token string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, i.BaseURL+path, body)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", token)
	response, err := iamportHTTP.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusNotFound && method == http.MethodGet {
		return nil // no payments
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %d", response.StatusCode)
	}
	envelope := struct {
		Code     int `json:"code"`
		Response any `json:"response"`
	}{Response: out}
	if err := json.NewDecoder(io.LimitReader(response.Body, 8<<20)).Decode(&envelope); err != nil {
		return err
	}
	if envelope.Code != 0 {
		return fmt.Errorf("code %d", envelope.Code)
	}
	return nil
}
