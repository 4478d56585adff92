package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"golang.org/x/sync/errgroup"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/clients/iamport"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/workflows"
)

func (a *api) paymentRoutes(r chi.Router) {
	r.Get("/payment/verify", a.bareErrors(a.verifyPayment))
	r.Post("/payment/verify", a.bareErrors(a.verifyPayment))
	r.With(a.optional).Get("/payment/pay_info", a.wrapped(a.payInfo))
}

// upstreamSilence is how long a verification waits for the shop or Iamport
// before it answers that it goes on deciding.
const upstreamSilence = 8 * time.Second

// verification is what somebody claims to have paid.
type verification struct {
	ImpUID, OrderID string
	Amount          model.KRW
}

// fields reads flat fields of a query, a form or a JSON object.
func fields(r *http.Request) (map[string]string, error) {
	found := map[string]string{}
	for name, values := range r.URL.Query() {
		found[name] = values[0]
	}
	body, err := io.ReadAll(r.Body)
	switch {
	case errTooLarge(err):
		return nil, refuse(http.StatusRequestEntityTooLarge, "요청이 너무 큽니다")
	case err != nil:
		return nil, bad("body could not be read")
	}
	text := strings.TrimSpace(string(body))
	if text == "" {
		return found, nil
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") && text[0] != '{' {
		form, err := url.ParseQuery(text)
		if err != nil {
			return nil, bad("body is no form")
		}
		for name, values := range form {
			found[name] = values[0]
		}
		return found, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil || object == nil {
		return nil, bad("body is neither a JSON object nor a form")
	}
	for name, value := range object {
		var word string
		if json.Unmarshal(value, &word) != nil {
			word = string(value)
		}
		found[name] = word
	}
	return found, nil
}

func verificationOf(r *http.Request) (verification, error) {
	in, err := fields(r)
	if err != nil {
		return verification{}, err
	}
	amount, err := strconv.ParseInt(in["amount"], 10, 64)
	if err != nil || amount < 0 || !plainID.MatchString(in["imp_uid"]) || !plainID.MatchString(in["merchant_uid"]) {
		return verification{}, bad("imp_uid, merchant_uid or amount is missing or malformed")
	}
	return verification{in["imp_uid"], in["merchant_uid"], model.KRW(amount)}, nil
}

// verdictMessages are what people read.
var verdictMessages = map[model.Verdict]string{
	model.VerdictSuccess:     "결제가 완료되었습니다",
	model.VerdictVBankIssued: "가상계좌가 발급되었습니다",
	model.VerdictFail:        "결제가 확인되지 않았습니다",
	model.VerdictPending:     "결제를 확인하고 있습니다",
}

func answerVerdict(w http.ResponseWriter, verdict model.Verdict) error {
	status := http.StatusOK
	if verdict == model.VerdictPending {
		status = http.StatusAccepted
	}
	return bare(w, status, map[string]string{"status": string(verdict), "message": verdictMessages[verdict]})
}

// verifyPayment rules on a payment. Only Iamport's and the shop's own facts
// count; what the caller sends can at most be refused.
func (a *api) verifyPayment(w http.ResponseWriter, r *http.Request) error {
	in, err := verificationOf(r)
	if err != nil {
		return err
	}
	verdict, err := a.verdict(w, r, in)
	if err != nil {
		return err
	}
	return answerVerdict(w, verdict)
}

func (a *api) verdict(w http.ResponseWriter, r *http.Request, in verification) (model.Verdict, error) {
	ctx, cancel := context.WithTimeout(r.Context(), upstreamSilence)
	defer cancel()
	payment, order, err := a.facts(ctx, in.ImpUID, in.OrderID)
	switch {
	case iamport.IsNotFound(err):
		return model.VerdictFail, nil
	case clayful.IsUnavailable(err), iamport.IsUnavailable(err), err != nil && ctx.Err() != nil:
		if err := a.mayTell(w, r, in.OrderID); err != nil {
			return "", err
		}
		// The order's workflow goes on deciding, if the order is one of ours.
		return model.VerdictPending, a.hintIfRunning(ctx, in.OrderID)
	case err != nil:
		return "", err
	}
	if payment.Test && !a.TestPayments || payment.OrderID != in.OrderID {
		return model.VerdictFail, nil
	}
	facts := workflows.OrderOf(*order)
	if in.Amount != facts.Due {
		return model.VerdictFail, nil
	}
	verdict, consequence := model.Judge(payment, facts, "")
	if consequence == model.Nothing {
		return verdict, nil
	}
	if err := a.mayTell(w, r, in.OrderID); err != nil {
		return "", err
	}
	err = a.askOrder(ctx, order, workflows.UpdateSettle, payment, &verdict)
	if err != nil && (ctx.Err() != nil || errors.Is(err, errTryLater)) {
		return model.VerdictPending, nil
	}
	return verdict, err
}

// facts are what Iamport says of the payment and the shop of the order, read
// side by side. An unknown payment comes before an unknown order.
func (a *api) facts(ctx context.Context, impUID, orderID string) (model.Payment, *clayful.Order, error) {
	var payment model.Payment
	var order *clayful.Order
	var orderErr error
	var group errgroup.Group
	group.Go(func() error {
		found, err := a.Iamport.Payment(ctx, impUID)
		payment = workflows.PaymentOf(found)
		return err
	})
	group.Go(func() error {
		order, orderErr = a.Clayful.Order(ctx, orderID)
		return nil
	})
	if err := group.Wait(); err != nil {
		return payment, order, err
	}
	if orderErr != nil && (payment.OrderID != orderID || payment.Test && !a.TestPayments) { // it does not count anyhow
		return payment, &clayful.Order{ID: orderID}, nil
	}
	return payment, order, orderErr
}

// hintIfRunning has a running order ask Iamport by itself.
func (a *api) hintIfRunning(ctx context.Context, orderID string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := a.Temporal.SignalWorkflow(ctx, workflows.OrderID(orderID), "", workflows.SignalPayment, nil)
	if endedMeanwhile(err) {
		return nil
	}
	return err
}

// payInfo is how an order was paid: all of it to its owner, the method and the
// end of the card's number to anybody else.
func (a *api) payInfo(w http.ResponseWriter, r *http.Request) error {
	id := r.URL.Query().Get("order_id")
	if !plainID.MatchString(id) {
		return bad("order_id is missing or malformed")
	}
	payments, err := a.Iamport.Payments(r.Context(), id)
	if err != nil {
		return errors.Join(errTryLater, err)
	}
	payment, found := chosen(payments)
	if !found {
		return bare(w, http.StatusOK, map[string]any{})
	}
	if m := caller(r); m != nil {
		_, err := a.Clayful.OwnOrder(r.Context(), m.Token, id)
		if err == nil {
			return bare(w, http.StatusOK, payment.Raw)
		}
		if clayful.IsUnavailable(err) {
			return err
		}
	}
	shown := map[string]any{"pay_method": payment.PayMethod, "card_number": nil, "paid_at": payment.PaidAt}
	if masked := maskCard(payment.CardNumber); masked != "" {
		shown["card_number"] = masked
	}
	return bare(w, http.StatusOK, shown)
}

// chosen is the payment that counts: one that was paid, or else the newest.
func chosen(payments []iamport.Payment) (iamport.Payment, bool) {
	for _, p := range payments {
		if p.Paid() {
			return p, true
		}
	}
	if len(payments) == 0 {
		return iamport.Payment{}, false
	}
	return payments[0], true
}

// maskCard hides all digits of a card's number but the last four.
func maskCard(number string) string {
	var digits int
	for _, c := range number {
		if c >= '0' && c <= '9' || c == '*' {
			digits++
		}
	}
	var masked strings.Builder
	for _, c := range number {
		if c >= '0' && c <= '9' || c == '*' {
			if digits > 4 {
				c = '*'
			}
			digits--
		}
		masked.WriteRune(c)
	}
	return masked.String()
}
