package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/store"
	"github.com/byeolshow/byeolshow/workflows"
)

func (a *api) orderRoutes(r chi.Router) {
	r.Group(func(r chi.Router) {
		r.Use(a.login)
		r.Get("/order", a.bareErrors(a.ownOrders))
		r.Get("/order/{order_id}", a.bareErrors(a.ownOrder))
		r.Put("/order/{order_id}", a.bareErrors(a.changeOrder))
		r.Post("/order/cancel/{order_id}", a.bareErrors(a.cancelOrder))
		r.Post("/order/{order_id}/receivemark", a.bareErrors(a.receiveOrder))
		r.Delete("/order/{order_id}/receivemark", a.bareErrors(a.unreceiveOrder))
		r.Delete("/order/history/{order_id}", a.wrapped(a.hideOrder))
	})
}

// orderRaw is what of an order is flattened: raw(O) of the API contract,
// section 12.
var orderRaw = rawAt(
	"currency.rate",
	"total.{price.**,items.price.**,items.{discounted,taxed},shipping.fee.**,shipping.{discounted,taxed},discounted,taxed,amount,paid,cancelled,refunded,taxes[].taxed}",
	"cancellation.cancelledAt",
	"items[].{total.**,price.**,variant.**,quantity,discounts[].{value,discounted,before,after,coupon.discount.**},discounted,taxed,taxes[].**,unfulfilled}",
	"shipments[].{rule.**,fee.**,quantity,discounted,taxed,taxes[].**,items[].**}",
	"fulfillments[].{items[].**,createdAt,updatedAt}",
	"transactions[].{paid,cancelled,refunded,createdAt,updatedAt}",
	"refunds[].{total.**,cancellation.cancelledAt,items[].**,shipments[].**,createdAt,updatedAt}",
	"createdAt", "updatedAt", "paidAt", "receivedAt",
)

// ownOrders is a page of the caller's orders, less those they hid. The hidden
// ones are left out before the pages are cut: how many lie before a page of the
// shop's is known from when they were placed.
func (a *api) ownOrders(w http.ResponseWriter, r *http.Request) error {
	page, err := page(r)
	if err != nil {
		return err
	}
	hidden, err := a.Store.HiddenOrders(r.Context(), caller(r).ID)
	if err != nil {
		return err
	}
	orders, err := a.visibleOrders(r.Context(), caller(r).Token, hidden, page)
	if err != nil {
		return err
	}
	if err := a.complete(r.Context(), orders); err != nil {
		return err
	}
	for _, order := range orders {
		for _, field := range []string{"tax", "customer", "currency"} {
			delete(order, field)
		}
		delete(object(order, "total"), "vendors")
		for _, item := range objects(order["items"]) {
			for _, field := range []string{"weight", "width", "height", "depth"} {
				delete(object(item, "variant"), field)
			}
		}
	}
	return bare(w, http.StatusOK, orders)
}

func (a *api) visibleOrders(ctx context.Context, token string, hidden []store.HiddenOrder, page int) ([]map[string]any, error) {
	orders := []map[string]any{}
	skip := -1 // how many visible ones lie before our page, once that is known
	for upstream := page; len(orders) < pageSize; upstream++ {
		list, err := a.Clayful.OwnOrders(ctx, token, upstream)
		if err != nil {
			return nil, err
		}
		for i, raw := range list {
			order, err := parse(raw)
			if err != nil {
				return nil, err
			}
			if i == 0 && skip < 0 {
				if skip, err = hiddenBefore(hidden, raw); err != nil {
					return nil, err
				}
			}
			if slices.ContainsFunc(hidden, func(h store.HiddenOrder) bool { return h.ID == order["_id"] }) {
				continue
			}
			if skip > 0 {
				skip--
			} else if len(orders) < pageSize {
				orders = append(orders, order)
			}
		}
		if len(list) < pageSize || len(hidden) == 0 {
			break
		}
	}
	return orders, nil
}

// hiddenBefore counts the hidden orders that are newer than an order.
func hiddenBefore(hidden []store.HiddenOrder, raw json.RawMessage) (int, error) {
	var first clayful.Order
	if err := json.Unmarshal(raw, &first); err != nil {
		return 0, err
	}
	n := 0
	for _, h := range hidden {
		if h.PlacedAt.After(first.CreatedAt.Time) {
			n++
		}
	}
	return n, nil
}

func (a *api) ownOrder(w http.ResponseWriter, r *http.Request) error {
	raw, err := a.Clayful.OwnOrder(r.Context(), caller(r).Token, chi.URLParam(r, "order_id"))
	if err != nil {
		return err
	}
	order, err := parse(raw)
	if err != nil {
		return err
	}
	if err := a.complete(r.Context(), []map[string]any{order}); err != nil {
		return err
	}
	return bare(w, http.StatusOK, order)
}

// ownFacts is the order of the route, which has to be the caller's own. The
// shop refuses other people's.
func (a *api) ownFacts(r *http.Request) (*clayful.Order, error) {
	raw, err := a.Clayful.OwnOrder(r.Context(), caller(r).Token, chi.URLParam(r, "order_id"))
	if err != nil {
		return nil, err
	}
	var order clayful.Order
	if err := json.Unmarshal(raw, &order); err != nil {
		return nil, err
	}
	return &order, nil
}

// payloadOf is the object under payload.
func payloadOf(r *http.Request, into any) error {
	var body struct {
		Payload json.RawMessage `json:"payload"`
	}
	if err := decode(r, &body); err != nil {
		return err
	}
	if !isObject(body.Payload) {
		return bad("payload is missing or no object")
	}
	if err := json.Unmarshal(body.Payload, into); err != nil {
		return bad("payload has a field of the wrong type")
	}
	return nil
}

func (a *api) changeOrder(w http.ResponseWriter, r *http.Request) error {
	var fields map[string]any
	if err := payloadOf(r, &fields); err != nil {
		return err
	}
	if meta := object(fields, "meta"); meta != nil {
		delete(meta, model.CheckoutKey) // ours
	}
	answer, err := a.Clayful.UpdateOwnOrder(r.Context(), caller(r).Token, chi.URLParam(r, "order_id"), fields)
	if err != nil {
		return err
	}
	return bare(w, http.StatusOK, answer)
}

type reason struct {
	Reason *string `json:"reason"`
}

// cancelOrder cancels an order that nobody has paid, also a second ago.
func (a *api) cancelOrder(w http.ResponseWriter, r *http.Request) error {
	var in reason
	if err := payloadOf(r, &in); err != nil {
		return err
	}
	order, err := a.ownFacts(r)
	if err != nil {
		return err
	}
	asked := workflows.Cancellation{OrderID: order.ID, By: "customer"}
	if in.Reason != nil {
		asked.Reason = *in.Reason
	}
	var cancelled workflows.CancelledOrder
	if err := a.askOrder(r.Context(), order, workflows.UpdateCancel, asked, &cancelled); err != nil {
		return err
	}
	return bare(w, http.StatusOK, cancelled.Answer)
}

// askOrder sends an update to an order's workflow, which is started when it
// does not run.
func (a *api) askOrder(ctx context.Context, order *clayful.Order, update string, arg, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	in := workflows.OrderInput{OrderID: order.ID}
	for {
		handle, err := a.Temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
			StartWorkflowOperation: a.Temporal.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
				ID:                       workflows.OrderID(order.ID),
				TaskQueue:                workflows.QueueOrders,
				WorkflowTaskTimeout:      workflows.TaskTimeout,
				WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
				StaticSummary:            in.Summary(),
			}, workflows.TypeOrder, in),
			UpdateOptions: client.UpdateWorkflowOptions{UpdateName: update, Args: []any{arg}, WaitForStage: client.WorkflowUpdateStageCompleted},
		})
		if err == nil {
			err = handle.Get(ctx, answer)
		}
		if endedMeanwhile(err) && ctx.Err() == nil {
			continue
		}
		refused := workflows.RefusalOf(err)
		switch {
		case refused != nil && refused.Code == model.CodeNoUpstream:
			return errors.Join(errTryLater, err)
		case refused != nil:
			return &clayful.Error{Status: refused.Status, Code: string(refused.Code), Message: refused.Detail}
		case err != nil && ctx.Err() != nil:
			return errors.Join(errTryLater, err)
		}
		return err
	}
}

func (a *api) receiveOrder(w http.ResponseWriter, r *http.Request) error {
	answer, err := a.Clayful.Receive(r.Context(), caller(r).Token, chi.URLParam(r, "order_id"))
	if err != nil {
		return err
	}
	return bare(w, http.StatusOK, answer)
}

func (a *api) unreceiveOrder(w http.ResponseWriter, r *http.Request) error {
	answer, err := a.Clayful.Unreceive(r.Context(), caller(r).Token, chi.URLParam(r, "order_id"))
	if err != nil {
		return err
	}
	return bare(w, http.StatusOK, answer)
}

func (a *api) hideOrder(w http.ResponseWriter, r *http.Request) error {
	order, err := a.ownFacts(r)
	if err != nil {
		return err
	}
	hidden, err := a.Store.HideOrder(r.Context(), order.ID, caller(r).ID, order.CreatedAt.Time)
	if err != nil {
		return err
	}
	if !hidden {
		return refuse(http.StatusConflict, "이미 숨긴 주문입니다")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
