package iamport

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
)

// payment is a payment as Iamport shows it. Times are unix seconds, 0 when it
// is not so; amounts are won.
type payment struct {
	ImpUID       string
	MerchantUID  string
	Status       string // ready, paid, cancelled, failed
	Sandbox      bool
	Amount       int64
	CancelAmount int64
	Body         body
}

// body is what of a payment is shown and not looked for.
type body struct {
	PayMethod     string         `json:"pay_method"`
	Channel       string         `json:"channel"`
	PGProvider    string         `json:"pg_provider"`
	PGTID         string         `json:"pg_tid"`
	CardName      *string        `json:"card_name"`
	CardNumber    *string        `json:"card_number"`
	VBankCode     *string        `json:"vbank_code"`
	VBankName     *string        `json:"vbank_name"`
	VBankNum      *string        `json:"vbank_num"`
	VBankHolder   *string        `json:"vbank_holder"`
	VBankDate     int64          `json:"vbank_date"`
	VBankIssuedAt int64          `json:"vbank_issued_at"`
	Name          string         `json:"name"`
	BuyerName     *string        `json:"buyer_name"`
	StartedAt     int64          `json:"started_at"`
	PaidAt        int64          `json:"paid_at"`
	FailedAt      int64          `json:"failed_at"`
	CancelledAt   int64          `json:"cancelled_at"`
	FailReason    *string        `json:"fail_reason"`
	CancelReason  *string        `json:"cancel_reason"`
	CancelHistory []cancellation `json:"cancel_history"`
	Refunds       []account      `json:"refund_accounts,omitempty"` // not shown
}

type cancellation struct {
	PGTID       string `json:"pg_tid"`
	Amount      int64  `json:"amount"`
	CancelledAt int64  `json:"cancelled_at"`
	Reason      string `json:"reason"`
	ID          string `json:"cancellation_id"`
	ReceiptURL  string `json:"receipt_url"`
}

// account is where money of a virtual account was sent back to.
type account struct{ Holder, Bank, Number string }

func (p payment) left() int64 { return p.Amount - p.CancelAmount }

// shown is the payment on the wire.
func (p payment) shown() map[string]any {
	text, err := json.Marshal(p.Body)
	if err != nil {
		panic(err) // our own type always encodes
	}
	shown := map[string]any{}
	if err := json.Unmarshal(text, &shown); err != nil {
		panic(err)
	}
	delete(shown, "refund_accounts")
	maps.Copy(shown, map[string]any{
		"imp_uid": p.ImpUID, "merchant_uid": p.MerchantUID, "status": p.Status, "sandbox": p.Sandbox, "amount": p.Amount,
		"cancel_amount": p.CancelAmount, "currency": "KRW", "escrow": false, "cash_receipt_issued": false, "custom_data": nil,
		"buyer_email": nil, "buyer_tel": nil, "buyer_addr": nil, "buyer_postcode": nil, "apply_num": nil, "card_code": nil,
		"card_quota": 0, "card_type": nil, "bank_code": nil, "bank_name": nil, "customer_uid": nil, "customer_uid_usage": nil,
		"user_agent": "sandbox", "receipt_url": nil, "cancel_receipt_urls": []string{}, "emb_pg_provider": nil, "pg_id": "sandbox",
	})
	return shown
}

const columns = "imp_uid, merchant_uid, status, sandbox, amount, cancel_amount, body"

func (s *Server) query(ctx context.Context, tx interface {
	Query(context.Context, string, ...any) (pgx.Rows, error)
}, where string, args ...any,
) ([]payment, error) {
	rows, err := tx.Query(ctx, "SELECT "+columns+" FROM sandbox_iamport.payment WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read payments: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[payment])
	if err != nil {
		return nil, fmt.Errorf("read payments: %w", err)
	}
	return found, nil
}

func (s *Server) save(ctx context.Context, tx pgx.Tx, p payment) error {
	_, err := tx.Exec(ctx, `INSERT INTO sandbox_iamport.payment (`+columns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (imp_uid) DO UPDATE SET status = $3, amount = $5, cancel_amount = $6, body = $7`,
		p.ImpUID, p.MerchantUID, p.Status, p.Sandbox, p.Amount, p.CancelAmount, p.Body)
	if err != nil {
		return fmt.Errorf("save payment: %w", err)
	}
	return nil
}

func digits(n int) string {
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
	value, err := rand.Int(rand.Reader, limit)
	if err != nil {
		panic(err) // never fails
	}
	return fmt.Sprintf("%0*d", n, value)
}

var errNoPayment = missing("존재하지 않는 결제정보입니다.")

// visible keeps payments of test channels from those who did not ask for them.
func visible(in input) string {
	if in.text("include_sandbox") == "true" || in.text("include_sandbox") == "1" {
		return "true"
	}
	return "NOT sandbox"
}

func (s *Server) payment(r *http.Request, in input) (any, error) {
	found, err := s.query(r.Context(), s.pool, "imp_uid = $1 AND "+visible(in), chi.URLParam(r, "imp_uid"))
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errNoPayment
	}
	return found[0].shown(), nil
}

func (s *Server) byUIDs(r *http.Request, in input) (any, error) {
	uids := r.URL.Query()["imp_uid[]"]
	if len(uids) == 0 {
		uids = r.URL.Query()["imp_uid"]
	}
	if len(uids) == 0 || len(uids) > 100 {
		return nil, badRequest("imp_uid는 1개 이상 100개 이하여야 합니다.")
	}
	found, err := s.query(r.Context(), s.pool, "imp_uid = ANY($1) AND "+visible(in), uids)
	if err != nil {
		return nil, err
	}
	return allShown(found), nil
}

func allShown(found []payment) []map[string]any {
	list := []map[string]any{}
	for _, p := range found {
		list = append(list, p.shown())
	}
	return list
}

func (s *Server) balance(r *http.Request, in input) (any, error) {
	found, err := s.query(r.Context(), s.pool, "imp_uid = $1 AND "+visible(in), chi.URLParam(r, "imp_uid"))
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errNoPayment
	}
	taxed := func(amount int64) map[string]any {
		return map[string]any{"tax_free": 0, "supply": amount - amount/11, "vat": amount / 11, "service": 0}
	}
	return map[string]any{
		"amount": found[0].left(), "cash_receipt": taxed(0), "primary": taxed(found[0].left()), "secondary": taxed(0), "discount": taxed(0),
		"histories": []any{},
	}, nil
}

// sorting is the order payments come in.
func sorting(in input) (string, error) {
	switch field := strings.TrimPrefix(in.text("sorting"), "-"); field {
	case "", "started":
		return direction("started_at", in), nil
	case "paid":
		return direction("(body->>'paid_at')::bigint", in), nil
	case "updated":
		return direction("greatest((body->>'paid_at')::bigint, (body->>'cancelled_at')::bigint, (body->>'failed_at')::bigint)", in), nil
	}
	return "", badRequest("sorting이 올바르지 않습니다.")
}

func direction(column string, in input) string {
	if in.has("sorting") && !strings.HasPrefix(in.text("sorting"), "-") {
		return column + " ASC"
	}
	return column + " DESC"
}

func (s *Server) find(r *http.Request, in input) (any, error) {
	order, err := sorting(in)
	if err != nil {
		return nil, err
	}
	found, err := s.query(r.Context(), s.pool, "merchant_uid = $1 AND ($2 = '' OR status = $2) AND "+visible(in)+" ORDER BY "+order+" LIMIT 1",
		chi.URLParam(r, "merchant_uid"), chi.URLParam(r, "status"))
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errNoPayment
	}
	return found[0].shown(), nil
}

// findAll pages through the payments of an order.
func (s *Server) findAll(r *http.Request, in input) (any, error) {
	return s.paged(r, in, "merchant_uid = $1", chi.URLParam(r, "merchant_uid"))
}

// longestSpan is how much time one question about a status may cover.
const longestSpan = 90 * 24 * time.Hour

// byStatus pages through the payments begun between from and to, unix seconds:
// the last 90 days unless told otherwise.
func (s *Server) byStatus(r *http.Request, in input) (any, error) {
	to := time.Now().Unix()
	if in.has("to") {
		asked, err := in.amount("to")
		if err != nil {
			return nil, err
		}
		to = asked
	}
	longest := int64(longestSpan / time.Second)
	from := to - longest
	if in.has("from") {
		asked, err := in.amount("from")
		if err != nil {
			return nil, err
		}
		from = asked
	}
	if from > to || to-from > longest {
		return nil, badRequest("조회 기간은 90일을 넘을 수 없습니다.")
	}
	return s.paged(r, in, "(body->>'started_at')::bigint BETWEEN $1 AND $2", from, to)
}

// lastPage is far beyond what there is.
const lastPage = 1_000_000

// paged is a page of the payments of the path's state that scope lets through.
func (s *Server) paged(r *http.Request, in input, scope string, args ...any) (any, error) {
	order, err := sorting(in)
	if err != nil {
		return nil, err
	}
	page, limit := 1, 20
	for name, into := range map[string]*int{"page": &page, "limit": &limit} {
		if !in.has(name) {
			continue
		}
		if *into, err = strconv.Atoi(in.text(name)); err != nil || *into < 1 || *into > lastPage || *into > 1000 && name == "limit" {
			return nil, badRequest(name + "이 올바르지 않습니다.")
		}
	}
	where := scope + " AND " + visible(in)
	if state := chi.URLParam(r, "state"); state != "" && state != "all" {
		args = append(args, state)
		where += " AND status = $" + strconv.Itoa(len(args))
	}
	var total int
	if err := s.pool.QueryRow(r.Context(), "SELECT count(*) FROM sandbox_iamport.payment WHERE "+where, args...).Scan(&total); err != nil {
		return nil, fmt.Errorf("count payments: %w", err)
	}
	if total == 0 && chi.URLParam(r, "merchant_uid") != "" {
		return nil, errNoPayment
	}
	where += fmt.Sprintf(" ORDER BY %s LIMIT %d OFFSET %d", order, limit, (page-1)*limit)
	found, err := s.query(r.Context(), s.pool, where, args...)
	if err != nil {
		return nil, err
	}
	next := 0
	if page*limit < total {
		next = page + 1
	}
	return map[string]any{"total": total, "previous": page - 1, "next": next, "list": allShown(found)}, nil
}

const longestMerchantUID = 40

func (s *Server) prepare(r *http.Request, in input) (any, error) {
	merchant := in.text("merchant_uid")
	amount, err := in.amount("amount")
	if err != nil || merchant == "" || len(merchant) > longestMerchantUID || amount == 0 {
		return nil, badRequest("merchant_uid, amount가 올바르지 않습니다.")
	}
	sql := "INSERT INTO sandbox_iamport.prepared (merchant_uid, amount) VALUES ($1, $2) ON CONFLICT DO NOTHING"
	if r.Method == http.MethodPut {
		sql = "UPDATE sandbox_iamport.prepared SET amount = $2 WHERE merchant_uid = $1"
	}
	tag, err := s.pool.Exec(r.Context(), sql, merchant, amount)
	switch {
	case err != nil:
		return nil, fmt.Errorf("prepare: %w", err)
	case tag.RowsAffected() == 0 && r.Method == http.MethodPut:
		return nil, missing("사전등록된 정보가 없습니다.")
	case tag.RowsAffected() == 0:
		return nil, refuse("이미 등록된 merchant_uid입니다.")
	}
	return map[string]any{"merchant_uid": merchant, "amount": amount}, nil
}

func (s *Server) prepared(r *http.Request, _ input) (any, error) {
	amount, err := s.preparedAmount(r.Context(), s.pool, chi.URLParam(r, "merchant_uid"))
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, missing("사전등록된 정보가 없습니다.")
	}
	return map[string]any{"merchant_uid": chi.URLParam(r, "merchant_uid"), "amount": amount}, err
}

func (s *Server) preparedAmount(ctx context.Context, db interface {
	QueryRow(context.Context, string, ...any) pgx.Row
}, merchant string,
) (amount int64, err error) {
	err = db.QueryRow(ctx, "SELECT amount FROM sandbox_iamport.prepared WHERE merchant_uid = $1", merchant).Scan(&amount)
	return amount, err
}

// change lets do change one payment, which is locked meanwhile. Where must name
// one.
func (s *Server) change(ctx context.Context, impUID string, do func(pgx.Tx, *payment) error) (payment, error) {
	var changed payment
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		found, err := s.query(ctx, tx, "imp_uid = $1 FOR UPDATE", impUID)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return errNoPayment
		}
		changed = found[0]
		if err := do(tx, &changed); err != nil {
			return err
		}
		return s.save(ctx, tx, changed)
	})
	return changed, err
}

// cancel gives money back: all that is left, or an amount of it.
func (s *Server) cancel(r *http.Request, in input) (any, error) {
	impUID := in.text("imp_uid")
	if impUID == "" { // the order's newest payment that can be given back
		found, err := s.query(r.Context(), s.pool, "merchant_uid = $1 AND (body->>'paid_at')::bigint > 0 AND amount > cancel_amount ORDER BY started_at DESC LIMIT 1", in.text("merchant_uid"))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, refuse("취소할 결제건이 존재하지 않습니다.")
		}
		impUID = found[0].ImpUID
	}
	p, err := s.change(r.Context(), impUID, func(tx pgx.Tx, p *payment) error {
		amount, err := p.cancellable(in)
		if err != nil {
			return err
		}
		given := p.giveBack(amount, in.text("reason"))
		if p.Body.PayMethod == "vbank" {
			p.Body.Refunds = append(p.Body.Refunds, account{in.text("refund_holder"), in.text("refund_bank"), in.text("refund_account")})
		}
		if in.text("enable_webhook") != "true" {
			return nil
		}
		return s.notify(r.Context(), tx, *p, given)
	})
	if errors.Is(err, errNoPayment) {
		err = refuse("취소할 결제건이 존재하지 않습니다.")
	}
	return p.shown(), err
}

// cancellable is the amount a request may give back.
func (p payment) cancellable(in input) (int64, error) {
	if p.Body.PaidAt == 0 {
		return 0, refuse("결제되지 않은 건은 취소할 수 없습니다.")
	}
	if p.left() == 0 {
		return 0, refuse("이미 전액취소된 주문입니다.")
	}
	amount := p.left()
	if in.has("amount") {
		asked, err := in.amount("amount")
		if err != nil {
			return 0, err
		}
		if asked > 0 {
			amount = asked
		}
	}
	if in.has("checksum") {
		believed, err := in.amount("checksum")
		if err != nil {
			return 0, err
		}
		if believed != p.left() {
			return 0, refuse("취소 가능 금액이 일치하지 않습니다.")
		}
	}
	if amount > p.left() {
		return 0, refuse("취소 가능 금액을 초과하였습니다.")
	}
	if p.Body.PayMethod == "vbank" && (!in.has("refund_holder") || !in.has("refund_bank") || !in.has("refund_account")) {
		return 0, refuse("가상계좌 환불에는 환불계좌 정보가 필요합니다.")
	}
	return amount, nil
}

func (p *payment) giveBack(amount int64, reason string) cancellation {
	now := time.Now().Unix()
	given := cancellation{PGTID: p.Body.PGTID, Amount: amount, CancelledAt: now, Reason: reason, ID: "cancellation_" + digits(12)}
	p.CancelAmount += amount
	p.Body.CancelledAt, p.Body.CancelReason = now, &reason
	p.Body.CancelHistory = append(p.Body.CancelHistory, given)
	p.Status = "cancelled" // partial ones too
	return given
}

// notify sends a notice about the payment, once the transaction is committed.
func (s *Server) notify(ctx context.Context, tx pgx.Tx, p payment, about ...cancellation) error {
	notice := map[string]any{"imp_uid": p.ImpUID, "merchant_uid": p.MerchantUID, "status": p.Status}
	for _, c := range about {
		notice["cancellation_id"] = c.ID
	}
	text, err := json.Marshal(notice)
	if err != nil {
		return fmt.Errorf("encode notice: %w", err)
	}
	return s.config.Sender.Enqueue(ctx, tx, s.config.NoticeURL, text)
}
