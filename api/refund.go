package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/workflows"
)

func (a *api) refundRoutes(r chi.Router) {
	r.Group(func(r chi.Router) {
		r.Use(a.login)
		r.Post("/refund/{order_id}", a.bareErrors(a.requestRefund))
		r.Post("/refund/cancel/{order_id}/{refund_id}", a.bareErrors(a.cancelRefund))
	})
}

var (
	errNotRefundable = &refusal{Status: http.StatusBadRequest, Code: string(model.CodeOrderStatus), Message: "환불할 수 있는 주문이 아닙니다"}
	errNoAccount     = &refusal{Status: http.StatusConflict, Code: string(model.CodeNoAccount), Message: "환불 계좌를 먼저 등록해 주세요"}
)

// refundRequest is what is asked back, as the shop takes it.
type refundRequest struct {
	Reason    *string      `json:"reason"`
	Items     []refundItem `json:"items"`
	Shipments []string     `json:"shipments"`
}

type refundItem struct {
	Item     string `json:"item"`
	Quantity int    `json:"quantity"`
}

// requestRefund claims money back. Its workflow waits for the shop to accept.
func (a *api) requestRefund(w http.ResponseWriter, r *http.Request) error {
	var in refundRequest
	if err := payloadOf(r, &in); err != nil {
		return err
	}
	if len(in.Items)+len(in.Shipments) == 0 {
		return bad("there is nothing to give back")
	}
	order, err := a.ownFacts(r)
	if err != nil {
		return err
	}
	if order.Status == model.OrderPlaced || order.Status == model.OrderCancelled {
		return errNotRefundable
	}
	if err := a.accountFor(r, order); err != nil {
		return err
	}
	if in.Items == nil {
		in.Items = []refundItem{}
	}
	if in.Shipments == nil {
		in.Shipments = []string{}
	}
	answer, err := a.Clayful.RequestRefund(r.Context(), caller(r).Token, order.ID, in)
	if clayful.IsUnavailable(err) { // it may have been requested all the same
		if answer = a.refundMadeAnyway(r, order, in); answer == nil {
			return err
		}
	} else if err != nil {
		return err
	}
	var refund clayful.Refund
	if err := json.Unmarshal(answer, &refund); err != nil {
		return err
	}
	started := workflows.RefundInput{
		OrderID: order.ID, RefundID: refund.ID, CustomerID: caller(r).ID, AmountKRW: model.KRW(refund.Total.Price.WithTax),
	}
	if err := a.startRefund(r.Context(), started); err != nil {
		// The order's workflow and the shop's webhook start it, too.
		a.Logger.ErrorContext(r.Context(), "refund workflow not started", "order_id", order.ID, "refund_id", refund.ID, "error", err)
	}
	return bare(w, http.StatusOK, answer)
}

// accountFor sees that money of a virtual account can be sent back.
func (a *api) accountFor(r *http.Request, order *clayful.Order) error {
	if !slices.ContainsFunc(order.Transactions, func(t clayful.Transaction) bool { return len(t.VBanks) > 0 }) {
		return nil
	}
	customer, err := a.Clayful.Customer(r.Context(), caller(r).ID) // as it is now, not as remembered
	if err != nil {
		return err
	}
	for _, field := range []string{"refund_holder", "refund_bank", "refund_account"} {
		if customer.MetaString(field) == "" {
			return errNoAccount
		}
	}
	return nil
}

// refundMadeAnyway finds the refund of a request that was not answered: one
// that was not there before and asks for the same.
func (a *api) refundMadeAnyway(r *http.Request, before *clayful.Order, in refundRequest) json.RawMessage {
	raw, err := a.Clayful.RawOrder(r.Context(), before.ID)
	if err != nil {
		return nil
	}
	var after struct {
		Refunds []json.RawMessage `json:"refunds"`
	}
	if err := json.Unmarshal(raw, &after); err != nil {
		return nil
	}
	for _, raw := range after.Refunds {
		var refund clayful.Refund
		if err := json.Unmarshal(raw, &refund); err != nil || refund.Status != model.RefundRequested {
			continue
		}
		known := slices.ContainsFunc(before.Refunds, func(earlier clayful.Refund) bool { return earlier.ID == refund.ID })
		if !known && asksFor(refund, in) {
			return raw
		}
	}
	return nil
}

func asksFor(refund clayful.Refund, in refundRequest) bool {
	if len(refund.Items) != len(in.Items) || len(refund.Shipments) != len(in.Shipments) {
		return false
	}
	for i, item := range refund.Items {
		if string(item.Item) != in.Items[i].Item || int(item.Quantity) != in.Items[i].Quantity {
			return false
		}
	}
	return true
}

// startRefund starts a refund's workflow, unless it runs or has run to its end.
// One that was ended before looks first what of it Iamport has done.
func (a *api) startRefund(ctx context.Context, in workflows.RefundInput) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_, err := a.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                    workflows.RefundID(in.OrderID, in.RefundID),
		TaskQueue:             workflows.QueueOrders,
		WorkflowTaskTimeout:   workflows.TaskTimeout,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		StaticSummary:         in.Summary(),
		TypedSearchAttributes: in.Attributes(),
	}, workflows.TypeRefund, in)
	var started *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &started) {
		return nil
	}
	return err
}

// cancelRefund takes a claim back while it is only requested.
func (a *api) cancelRefund(w http.ResponseWriter, r *http.Request) error {
	var in reason
	if err := payloadOf(r, &in); err != nil {
		return err
	}
	orderID, refundID := chi.URLParam(r, "order_id"), chi.URLParam(r, "refund_id")
	answer, err := a.Clayful.CancelRefund(r.Context(), caller(r).Token, orderID, refundID, in)
	if err != nil {
		return err
	}
	err = a.Temporal.SignalWorkflow(r.Context(), workflows.RefundID(orderID, refundID), "", workflows.SignalChanged, nil)
	if err != nil && !endedMeanwhile(err) { // it looks by itself, too
		a.Logger.WarnContext(r.Context(), "refund workflow not told", "order_id", orderID, "refund_id", refundID, "error", err)
	}
	return bare(w, http.StatusOK, answer)
}
