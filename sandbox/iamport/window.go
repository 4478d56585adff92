package iamport

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
)

// PayRequest is what happens in the payment window.
type PayRequest struct {
	MerchantUID string `json:"merchant_uid"`
	ImpUID      string `json:"imp_uid"`    // a payment that failed or waits, and is tried again
	Amount      *int64 `json:"amount"`     // nil is the prepared one; another one is a tampered window
	PayMethod   string `json:"pay_method"` // card when "", or as it was tried before
	Outcome     string `json:"outcome"`    // paid, ready, failed; paid when ""
	Notify      *bool  `json:"notify"`     // nil is true
	Sandbox     bool   `json:"sandbox"`    // in a test channel
	ExpiresIn   int64  `json:"expires_in"` // seconds the virtual account is open; 0 is a day
	VBankDate   int64  `json:"vbank_date"` // until when it is open, unix seconds, in place of ExpiresIn
}

// ErrRefused is what the payment window or the bank does not do.
var ErrRefused = errors.New("refused")

// Pay does what a person does in the payment window, and answers the payment's
// imp_uid. It refuses what is not prepared unless an amount is given.
func (s *Server) Pay(ctx context.Context, in PayRequest) (string, error) {
	if in.Outcome == "" {
		in.Outcome = "paid"
	}
	if in.Outcome != "paid" && in.Outcome != "ready" && in.Outcome != "failed" {
		return "", fmt.Errorf("%w: outcome is none of paid, ready, failed", ErrRefused)
	}
	if in.ImpUID != "" {
		return in.ImpUID, s.payAgain(ctx, in)
	}
	if in.PayMethod == "" {
		in.PayMethod = "card"
	}
	if in.MerchantUID == "" || len(in.MerchantUID) > longestMerchantUID {
		return "", fmt.Errorf("%w: merchant_uid is missing or too long", ErrRefused)
	}
	p := payment{ImpUID: "imp_" + digits(12), MerchantUID: in.MerchantUID, Status: "ready", Sandbox: in.Sandbox}
	p.Body = body{PayMethod: in.PayMethod, Channel: "pc", PGProvider: "html5_inicis", Name: "주문 " + in.MerchantUID, StartedAt: time.Now().Unix(), CancelHistory: []cancellation{}}
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		prepared, err := s.preparedAmount(ctx, tx, in.MerchantUID)
		switch {
		case errors.Is(err, pgx.ErrNoRows) && in.Amount == nil:
			return fmt.Errorf("%w: nothing is prepared under %s", ErrRefused, in.MerchantUID)
		case err != nil && !errors.Is(err, pgx.ErrNoRows):
			return fmt.Errorf("read prepared: %w", err)
		}
		p.Amount = prepared
		if in.Amount != nil { // a tampered window, or one without preparation
			p.Amount = *in.Amount
		}
		if p.Amount <= 0 {
			return fmt.Errorf("%w: there is nothing to pay", ErrRefused)
		}
		p.come(in)
		if err := s.save(ctx, tx, p); err != nil {
			return err
		}
		return s.tell(ctx, tx, p, in)
	})
	return p.ImpUID, err
}

// come is the outcome of the window.
func (p *payment) come(in PayRequest) {
	now := time.Now().Unix()
	p.Body.PGTID = "pg" + digits(10)
	if p.Status = in.Outcome; p.Status == "failed" {
		reason := "사용자가 결제를 취소하였습니다"
		p.Body.FailedAt, p.Body.FailReason = now, &reason
		return
	}
	p.Body.FailedAt, p.Body.FailReason = 0, nil
	switch p.Body.PayMethod {
	case "vbank":
		p.issue(in, now)
	case "card":
		name, number := "별카드", "5555-55**-****-"+digits(4)
		p.Body.CardName, p.Body.CardNumber = &name, &number
	}
	if p.Status == "paid" {
		p.Body.PaidAt = now
	}
}

// issue gives the payment a virtual account, once.
func (p *payment) issue(in PayRequest, now int64) {
	if p.Body.VBankNum != nil {
		return
	}
	till := now + 24*60*60
	switch {
	case in.VBankDate != 0:
		till = in.VBankDate
	case in.ExpiresIn != 0:
		till = now + in.ExpiresIn
	}
	code, name, number, holder := "04", "국민은행", digits(14), "별쇼"
	p.Body.VBankCode, p.Body.VBankName, p.Body.VBankNum, p.Body.VBankHolder = &code, &name, &number, &holder
	p.Body.VBankDate, p.Body.VBankIssuedAt = till, now
}

// payAgain turns a payment that failed or waits into what came of it.
func (s *Server) payAgain(ctx context.Context, in PayRequest) error {
	_, err := s.change(ctx, in.ImpUID, func(tx pgx.Tx, p *payment) error {
		if p.Status != "failed" && p.Status != "ready" {
			return fmt.Errorf("%w: it is %s", ErrRefused, p.Status)
		}
		if in.PayMethod != "" {
			p.Body.PayMethod = in.PayMethod
		}
		p.come(in)
		return s.tell(ctx, tx, *p, in)
	})
	return outcome(err)
}

// tell sends the notice of an outcome. There is none of a failure.
func (s *Server) tell(ctx context.Context, tx pgx.Tx, p payment, in PayRequest) error {
	quiet := in.Notify != nil && !*in.Notify
	if quiet || p.Status == "failed" || p.Status == "ready" && p.Body.PayMethod != "vbank" {
		return nil
	}
	return s.notify(ctx, tx, p)
}

func outcome(err error) error {
	var known *refusal
	if errors.As(err, &known) {
		return fmt.Errorf("%w: %s", ErrRefused, known.message)
	}
	return err
}

// Deposit is money that arrives at a virtual account. Banks take it late, too.
func (s *Server) Deposit(ctx context.Context, impUID string, notify bool) error {
	_, err := s.change(ctx, impUID, func(tx pgx.Tx, p *payment) error {
		if p.Body.VBankNum == nil || p.Status != "ready" {
			return fmt.Errorf("%w: no virtual account waits for money", ErrRefused)
		}
		p.Status, p.Body.PaidAt = "paid", time.Now().Unix()
		if !notify {
			return nil
		}
		return s.notify(ctx, tx, *p)
	})
	return outcome(err)
}

// CancelInConsole is money the shop's operator gives back by hand, all that is
// left when amount is 0. A reason may be given.
func (s *Server) CancelInConsole(ctx context.Context, impUID string, amount int64, reason string, notify bool) error {
	_, err := s.change(ctx, impUID, func(tx pgx.Tx, p *payment) error {
		in := input{"refund_holder": "별쇼", "refund_bank": "04", "refund_account": "0"}
		if amount > 0 {
			in["amount"] = strconv.FormatInt(amount, 10)
		}
		back, err := p.cancellable(in)
		if err != nil {
			return err
		}
		given := p.giveBack(back, cmp.Or(reason, "관리자 콘솔에서 취소"))
		if !notify {
			return nil
		}
		return s.notify(ctx, tx, *p, given)
	})
	return outcome(err)
}

// Ledger is the truth about money: every payment of an order, all orders' when
// it is "".
func (s *Server) Ledger(ctx context.Context, merchantUID string) ([]map[string]any, error) {
	found, err := s.query(ctx, s.pool, "$1 = '' OR merchant_uid = $1 ORDER BY started_at", merchantUID)
	if err != nil {
		return nil, err
	}
	ledger := []map[string]any{}
	for _, p := range found {
		cancels := []map[string]any{}
		for _, c := range p.Body.CancelHistory {
			cancels = append(cancels, map[string]any{"amount": c.Amount, "reason": c.Reason})
		}
		ledger = append(ledger, map[string]any{
			"imp_uid": p.ImpUID, "merchant_uid": p.MerchantUID, "amount": p.Amount, "cancel_amount": p.CancelAmount, "status": p.Status,
			"pay_method": p.Body.PayMethod, "paid_at": p.Body.PaidAt, "cancels": cancels, "refund_accounts": p.Body.Refunds,
		})
	}
	return ledger, nil
}

//go:embed window.html
var windowHTML string

var windowPage = template.Must(template.New("window").Parse(windowHTML))

// ControlRoutes are what a person and a bank do, below /control/iamport.
func (s *Server) ControlRoutes() chi.Router {
	r := chi.NewRouter()
	r.Post("/pay", control(func(r *http.Request, in PayRequest) (any, error) {
		impUID, err := s.Pay(r.Context(), in)
		return map[string]string{"imp_uid": impUID}, err
	}))
	type about struct {
		ImpUID string `json:"imp_uid"`
		Amount int64  `json:"amount"`
		Notify *bool  `json:"notify"`
		Reason string `json:"reason"`
	}
	told := func(in about) bool { return in.Notify == nil || *in.Notify }
	r.Post("/deposit", control(func(r *http.Request, in about) (any, error) {
		return map[string]bool{"ok": true}, s.Deposit(r.Context(), in.ImpUID, told(in))
	}))
	r.Post("/cancel", control(func(r *http.Request, in about) (any, error) {
		return map[string]bool{"ok": true}, s.CancelInConsole(r.Context(), in.ImpUID, in.Amount, in.Reason, told(in))
	}))
	r.Get("/ledger", control(func(r *http.Request, _ struct{}) (any, error) {
		return s.Ledger(r.Context(), r.URL.Query().Get("merchant_uid"))
	}))
	r.Get("/window", s.window)
	r.Post("/window", s.pressed)
	return r
}

// price is what the window asks for: the prepared amount, and no other one, or
// without preparation the amount of the shop's page.
func (s *Server) price(r *http.Request) (int64, error) {
	asked := int64(0)
	if given := (input{"amount": r.FormValue("amount")}); given.has("amount") {
		var err error
		if asked, err = given.amount("amount"); err != nil {
			return 0, err
		}
	}
	prepared, err := s.preparedAmount(r.Context(), s.pool, r.FormValue("merchant_uid"))
	switch {
	case errors.Is(err, pgx.ErrNoRows) && asked > 0 && r.FormValue("merchant_uid") != "":
		return asked, nil
	case errors.Is(err, pgx.ErrNoRows):
		return 0, missing("사전등록된 결제가 없습니다.")
	case err != nil:
		return 0, fmt.Errorf("read prepared: %w", err)
	case asked != 0 && asked != prepared:
		return 0, &refusal{http.StatusConflict, 1, "사전등록된 금액과 결제 금액이 다릅니다."}
	}
	return prepared, nil
}

// complain shows why the window does not go on.
func (s *Server) complain(w http.ResponseWriter, r *http.Request, err error) {
	var known *refusal
	switch {
	case errors.As(err, &known):
		http.Error(w, known.message, known.status)
	case errors.Is(err, ErrRefused):
		http.Error(w, err.Error(), http.StatusConflict)
	default:
		s.config.Logger.ErrorContext(r.Context(), "iamport sandbox failed", "path", r.URL.Path, "error", err)
		http.Error(w, "서버 오류입니다.", http.StatusInternalServerError)
	}
}

// window is the page a person pays on.
func (s *Server) window(w http.ResponseWriter, r *http.Request) {
	amount, err := s.price(r)
	if err != nil {
		s.complain(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = windowPage.Execute(w, map[string]any{ // the caller has gone when this fails
		"MerchantUID": r.FormValue("merchant_uid"), "Amount": amount, "Redirect": r.FormValue("redirect"),
	})
}

// pressed is a button of the payment window. It leads back to where the window
// was opened from.
func (s *Server) pressed(w http.ResponseWriter, r *http.Request) {
	amount, err := s.price(r)
	if err != nil {
		s.complain(w, r, err)
		return
	}
	in := PayRequest{MerchantUID: r.FormValue("merchant_uid"), Amount: &amount}
	switch r.FormValue("press") {
	case "approve":
	case "vbank":
		in.PayMethod, in.Outcome = "vbank", "ready"
	default:
		in.Outcome = "failed"
	}
	impUID, err := s.Pay(r.Context(), in)
	if err != nil {
		s.complain(w, r, err)
		return
	}
	back, err := url.Parse(r.FormValue("redirect"))
	if err != nil || back.Host == "" || back.Scheme != "http" && back.Scheme != "https" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = fmt.Fprintln(w, impUID)
		return
	}
	query := back.Query()
	query.Set("imp_uid", impUID)
	query.Set("merchant_uid", in.MerchantUID)
	query.Set("imp_success", strconv.FormatBool(in.Outcome != "failed"))
	back.RawQuery = query.Encode()
	http.Redirect(w, r, back.String(), http.StatusSeeOther) //nolint:gosec // as the payment window does: back to the shop that opened it
}

// control serves a call of the control API.
func control[T any](do func(*http.Request, T) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in T
		if r.Method == http.MethodPost {
			if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&in); err != nil {
				show(w, http.StatusBadRequest, map[string]string{"error": "no JSON object: " + err.Error()})
				return
			}
		}
		found, err := do(r, in)
		switch {
		case errors.Is(err, ErrRefused):
			show(w, http.StatusConflict, map[string]string{"error": err.Error()})
		case err != nil:
			show(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
		default:
			show(w, http.StatusOK, found)
		}
	}
}

func show(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller has gone when this fails
}
