package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/clients/iamport"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/workflows"
)

func (a *api) webhookRoutes(r chi.Router) {
	r.Post("/webhook/iamport", a.wrapped(a.iamportNotice))
	r.Post("/webhook/refund", a.wrapped(a.fromShop(a.RefundWebhookSecret, a.refundNotice)))
	r.Post("/webhook/markdone", a.wrapped(a.fromShop(a.MarkdoneWebhookSecret, a.doneNotice)))
	r.Post("/webhook/clayful", a.wrapped(a.fromShop(a.ClayfulWebhookSecret, a.shopNotice)))
}

// noticePatience is how long a notice waits for Iamport before the order's
// workflow is left to ask.
const noticePatience = 3 * time.Second

// iamportNotice is a hint that something became of a payment. It is not
// signed: what Iamport says when asked counts. While Iamport is silent the hint
// is left with the order it names, whose workflow asks until it is answered.
func (a *api) iamportNotice(w http.ResponseWriter, r *http.Request) error {
	in, err := fields(r)
	if err != nil {
		return err
	}
	if !plainID.MatchString(in["imp_uid"]) || !plainID.MatchString(in["merchant_uid"]) {
		return bad("imp_uid or merchant_uid is missing or malformed")
	}
	ctx, cancel := context.WithTimeout(r.Context(), noticePatience)
	defer cancel()
	found, err := a.Iamport.Payment(ctx, in["imp_uid"])
	switch {
	case iamport.IsNotFound(err):
		return bare(w, http.StatusOK, "OK")
	case err != nil:
		found.MerchantUID = in["merchant_uid"]
	}
	payment := workflows.PaymentOf(found)
	if payment.Test && !a.TestPayments || !plainID.MatchString(payment.OrderID) {
		return bare(w, http.StatusOK, "OK")
	}
	if err := a.mayTell(w, r, payment.OrderID); err != nil {
		return errors.Join(errTryLater, err) // Iamport repeats after a 5xx alone
	}
	if err := a.tellOrder(r.Context(), payment.OrderID, workflows.SignalPayment); err != nil {
		return errors.Join(errTryLater, err)
	}
	return bare(w, http.StatusOK, "OK")
}

// tellOrder signals an order's workflow, and takes it up when it has ended.
func (a *api) tellOrder(ctx context.Context, orderID, signal string) error {
	in := workflows.OrderInput{OrderID: orderID}
	_, err := a.Temporal.SignalWithStartWorkflow(ctx, workflows.OrderID(orderID), signal, nil, client.StartWorkflowOptions{
		TaskQueue:             workflows.QueueOrders,
		WorkflowTaskTimeout:   workflows.TaskTimeout,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:         in.Summary(),
	}, workflows.TypeOrder, in)
	return err
}

// fromShop serves a webhook of the shop. Only its head is signed: what it names
// is read again, and only its true state acts.
func (a *api) fromShop(secret string, handle func(*http.Request, clayful.Webhook) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		body, err := io.ReadAll(r.Body)
		if errTooLarge(err) {
			return refuse(http.StatusRequestEntityTooLarge, "요청이 너무 큽니다")
		}
		if err != nil {
			return bad("body could not be read")
		}
		hook, err := clayful.ParseWebhook(r.Header.Get("Clayful-Signature"), body, secret, a.Now())
		switch {
		case errors.Is(err, clayful.ErrSignature):
			return refuse(http.StatusUnauthorized, "서명이 올바르지 않습니다")
		case err != nil:
			return bad("the webhook cannot be read")
		}
		if err := handle(r, hook); err != nil {
			return errors.Join(errTryLater, err)
		}
		return bare(w, http.StatusOK, "OK")
	}
}

// refundNotice wakes the refund's workflow, which asks the shop whether it is
// accepted.
func (a *api) refundNotice(r *http.Request, hook clayful.Webhook) error {
	if !plainID.MatchString(hook.Params.OrderID) || !plainID.MatchString(hook.Params.RefundID) {
		return nil
	}
	order, err := a.Clayful.Order(r.Context(), hook.Params.OrderID)
	if clayful.IsUnavailable(err) {
		return err
	}
	if err != nil {
		return nil //nolint:nilerr // an order the shop does not have has no refund
	}
	for _, refund := range order.Refunds {
		if refund.ID != hook.Params.RefundID || refund.Status != model.RefundAccepted {
			continue
		}
		in := workflows.RefundInput{
			OrderID: order.ID, RefundID: refund.ID, CustomerID: string(order.Customer), AmountKRW: model.KRW(refund.Total.Price.WithTax),
		}
		if err := a.startRefund(r.Context(), in); err != nil {
			return err
		}
		err := a.Temporal.SignalWorkflow(r.Context(), workflows.RefundID(in.OrderID, in.RefundID), "", workflows.SignalChanged, nil)
		if err != nil && !endedMeanwhile(err) {
			return err
		}
	}
	return nil
}

// doneNotice marks an order done that was received, or has arrived whole.
func (a *api) doneNotice(r *http.Request, hook clayful.Webhook) error {
	if !plainID.MatchString(hook.Params.OrderID) {
		return nil
	}
	order, err := a.Clayful.Order(r.Context(), hook.Params.OrderID)
	if clayful.IsUnavailable(err) {
		return err
	}
	if err != nil {
		return nil //nolint:nilerr // an order the shop does not have is not done
	}
	facts := workflows.OrderOf(*order)
	if facts.Stage() != model.StagePaid || facts.ReceivedAt == nil && facts.ArrivedAt == nil {
		return nil
	}
	if err := a.Clayful.MarkDone(r.Context(), order.ID); err != nil {
		return err
	}
	return a.wakeOrder(r.Context(), order.ID)
}

// wakeOrder has a running order look at itself again.
func (a *api) wakeOrder(ctx context.Context, orderID string) error {
	err := a.Temporal.SignalWorkflow(ctx, workflows.OrderID(orderID), "", workflows.SignalChanged, nil)
	if endedMeanwhile(err) {
		return nil
	}
	return err
}

// shopNotice is anything that happens in the shop.
func (a *api) shopNotice(r *http.Request, hook clayful.Webhook) error {
	switch {
	case hook.Module == "order.acceptRefund":
		return a.refundNotice(r, hook)
	case strings.HasPrefix(hook.Module, "customer."):
		return a.Store.CustomerChanged(r.Context(), hook.Params.CustomerID)
	case strings.HasPrefix(hook.Module, "group."):
		return a.Store.CustomerChanged(r.Context(), "")
	case hook.Module == "order.cancel" && plainID.MatchString(hook.Params.OrderID):
		return a.wakeOrder(r.Context(), hook.Params.OrderID)
	}
	return nil
}
