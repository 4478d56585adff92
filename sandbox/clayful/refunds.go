package clayful

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
)

// refund is a claim to get money back. Accepting it moves neither money nor
// stock: those are asked for separately.
type refund struct {
	ID           string           `json:"_id"`
	Status       string           `json:"status"` // requested, accepted, cancelled
	Reason       *string          `json:"reason"`
	Cancellation *cancellation    `json:"cancellation"`
	Items        []refundItem     `json:"items"`
	Shipments    []refundShipment `json:"shipments"`
	Total        refundTotal      `json:"total"`
	CreatedAt    string           `json:"createdAt"`
	UpdatedAt    string           `json:"updatedAt"`
}

type withTax struct {
	WithTax    int64 `json:"withTax"`
	WithoutTax int64 `json:"withoutTax"`
}

func (w *withTax) add(b withTax) { w.WithTax += b.WithTax; w.WithoutTax += b.WithoutTax }

func (w withTax) taxed() int64 { return w.WithTax - w.WithoutTax }

type refundItem struct {
	Item      string  `json:"item"`
	Quantity  int64   `json:"quantity"`
	Price     withTax `json:"price"`
	Taxed     int64   `json:"taxed"`
	Taxes     []tax   `json:"taxes"`
	Restocked int64   `json:"restocked"` // already back in stock
}

type refundShipment struct {
	Shipment string  `json:"shipment"`
	Fee      withTax `json:"fee"`
	Taxed    int64   `json:"taxed"`
	Taxes    []tax   `json:"taxes"`
}

type refundTotal struct {
	Price withTax `json:"price"`
	Items struct {
		Price withTax `json:"price"`
		Taxed int64   `json:"taxed"`
	} `json:"items"`
	Shipping struct {
		Fee   withTax `json:"fee"`
		Taxed int64   `json:"taxed"`
	} `json:"shipping"`
	Taxed int64      `json:"taxed"`
	Taxes []keyedTax `json:"taxes"`
}

func (o *order) refund(id string) *refund {
	i := slices.IndexFunc(o.Refunds, func(r refund) bool { return r.ID == id })
	if i < 0 {
		return nil
	}
	return &o.Refunds[i]
}

// claimed is how many of an item other refunds claim, and their price.
func (o *order) claimed(item string) (n int64, price withTax) {
	for _, r := range o.Refunds {
		for _, i := range r.Items {
			if r.Status != "cancelled" && i.Item == item {
				n += i.Quantity
				price.add(i.Price)
			}
		}
	}
	return n, price
}

func (o *order) feeClaimed(shipment string) bool {
	return slices.ContainsFunc(o.Refunds, func(r refund) bool {
		return r.Status != "cancelled" && slices.ContainsFunc(r.Shipments, func(s refundShipment) bool { return s.Shipment == shipment })
	})
}

type refundRequest struct {
	Reason *string `json:"reason"`
	Items  []struct {
		Item     string `json:"item"`
		Quantity int64  `json:"quantity"`
	} `json:"items"`
	Shipments []string `json:"shipments"`
}

func (s *Server) requestRefund(c call) (any, error) {
	var in refundRequest
	if err := readInto(c.Request, &in); err != nil {
		return nil, err
	}
	if len(in.Items)+len(in.Shipments) == 0 {
		return nil, invalid("items")
	}
	var asked *refund
	params := map[string]any{}
	_, err := s.changeOrder(c, "requestRefund", params, func(_ pgx.Tx, o *order) (err error) {
		if o.Status == "placed" || o.Status == "cancelled" {
			return badRequest("invalid-order-status")
		}
		if asked, err = o.claim(in); err != nil {
			return err
		}
		params["refundId"] = asked.ID
		o.Refunds = append(o.Refunds, *asked)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return created(asDocument(asked)), nil
}

// claim prices what is asked back. The parts of a line sum up to the line.
func (o *order) claim(in refundRequest) (*refund, error) {
	now := stamp(time.Now())
	r := &refund{ID: newID(), Status: "requested", Reason: in.Reason, Items: []refundItem{}, Shipments: []refundShipment{}, CreatedAt: now, UpdatedAt: now}
	r.Total.Taxes = []keyedTax{}
	var vendors []string
	from := func(vendor *string) {
		name := ""
		if vendor != nil {
			name = *vendor
		}
		if !slices.Contains(vendors, name) {
			vendors = append(vendors, name)
		}
	}
	var taxed int64
	for i, wanted := range in.Items {
		item := o.item(wanted.Item)
		if item == nil {
			return nil, badRequest("not-existing-order-item-relation")
		}
		if slices.ContainsFunc(r.Items, func(other refundItem) bool { return other.Item == wanted.Item }) {
			return nil, invalid("items." + strconv.Itoa(i) + ".item")
		}
		before, earlier := o.claimed(item.ID)
		if wanted.Quantity < 1 || before+wanted.Quantity > item.Quantity {
			return nil, badRequest("exceeded-refund-quantity")
		}
		part := func(whole, earlier int64) int64 {
			return max(0, whole*(before+wanted.Quantity)/item.Quantity-earlier)
		}
		back := refundItem{
			Item: item.ID, Quantity: wanted.Quantity, Taxes: []tax{},
			Price: withTax{part(item.Total.Price.WithTax, earlier.WithTax), part(item.Total.Price.WithoutTax, earlier.WithoutTax)},
		}
		back.Taxed = back.Price.taxed()
		if len(item.Taxes) > 0 {
			back.Taxes = append(back.Taxes, tax{Name: item.Taxes[0].Name, Rate: item.Taxes[0].Rate, Taxed: back.Taxed})
		}
		r.Items = append(r.Items, back)
		r.Total.Items.Price.add(back.Price)
		taxed += back.Taxed
		from(item.Vendor)
	}
	for i, id := range in.Shipments {
		k := slices.IndexFunc(o.Shipments, func(s *shipment) bool { return s.ID == id })
		if k < 0 {
			return nil, badRequest("not-existing-shipment-relation")
		}
		if o.feeClaimed(id) || slices.Contains(in.Shipments[:i], id) {
			return nil, badRequest("refunded-shipment")
		}
		fee := withTax{o.Shipments[k].Fee.WithTax, o.Shipments[k].Fee.WithoutTax}
		r.Shipments = append(r.Shipments, refundShipment{Shipment: id, Fee: fee, Taxed: fee.taxed(), Taxes: o.Shipments[k].Taxes})
		r.Total.Shipping.Fee.add(fee)
		taxed += fee.taxed()
		from(o.Shipments[k].Vendor)
	}
	if len(vendors) > 1 {
		return nil, badRequest("mismatching-vendor-order-resources")
	}
	r.Total.Price.add(r.Total.Items.Price)
	r.Total.Price.add(r.Total.Shipping.Fee)
	r.Total.Items.Taxed, r.Total.Shipping.Taxed = r.Total.Items.Price.taxed(), r.Total.Shipping.Fee.taxed()
	r.Total.Taxed = taxed
	if taxed > 0 {
		r.Total.Taxes = append(r.Total.Taxes, keyedTax{"KR/VAT", taxed})
	}
	return r, nil
}

// changeRefund lets do change the refund a route is about.
func (s *Server) changeRefund(c call, module string, do func(pgx.Tx, *order, *refund) error) (*refund, error) {
	id := chi.URLParam(c.Request, "refund")
	var changed *refund
	_, err := s.changeOrder(c, module, map[string]any{"refundId": id}, func(tx pgx.Tx, o *order) error {
		if changed = o.refund(id); changed == nil {
			return notExisting("refunds")
		}
		changed.UpdatedAt = stamp(time.Now())
		return do(tx, o, changed)
	})
	return changed, err
}

func (s *Server) updateRefund(c call) (any, error) {
	var in reasonRequest
	if err := readInto(c.Request, &in); err != nil {
		return nil, err
	}
	return s.changeRefund(c, "updateRefund", func(_ pgx.Tx, _ *order, r *refund) error {
		r.Reason = in.Reason
		return nil
	})
}

func (s *Server) cancelRefund(c call) (any, error) {
	by, err := cancellationBy(c)
	if err != nil {
		return nil, err
	}
	return s.changeRefund(c, "cancelRefund", func(_ pgx.Tx, _ *order, r *refund) error {
		if r.Status != "requested" {
			return badRequest("invalid-refund-status")
		}
		r.Status, r.Cancellation = "cancelled", by
		return nil
	})
}

func (s *Server) acceptRefund(c call) (any, error) {
	module := "acceptRefund"
	if c.Method == http.MethodDelete {
		module = "unacceptRefund"
	}
	_, err := s.changeRefund(c, module, func(_ pgx.Tx, _ *order, r *refund) error { return r.accept(c.Method == http.MethodPost) })
	return map[string]any{"accepted": err == nil && c.Method == http.MethodPost}, err
}

func (r *refund) accept(accepted bool) error {
	from, to := "requested", "accepted"
	if !accepted {
		from, to = to, from
	}
	if r.Status != from {
		return badRequest("invalid-refund-status")
	}
	r.Status = to
	return nil
}

// AcceptRefund is what the shop's dashboard does, for the control API.
func (s *Server) AcceptRefund(ctx context.Context, orderID, refundID string) error {
	_, err := s.change(ctx, "orders", orderID, func(tx pgx.Tx, d document) error {
		o, err := asOrder(d)
		if err != nil {
			return err
		}
		r := o.refund(refundID)
		if r == nil {
			return notExisting("refunds")
		}
		if err := r.accept(true); err != nil {
			return err
		}
		for key, value := range asDocument(o) {
			d[key] = value
		}
		return s.notify(ctx, tx, "order.acceptRefund", map[string]any{"orderId": orderID, "refundId": refundID}, o)
	})
	var refusal *apiError
	if errors.As(err, &refusal) {
		return fmt.Errorf("%w: %w", ErrRefused, refusal)
	}
	return err
}

// restock puts refunded items back into stock: those named, or with /all every
// one that is not back yet. What is back is not put back again.
func (s *Server) restock(c call) (any, error) {
	var in struct {
		Items []struct {
			Item     string `json:"item"`
			Quantity int64  `json:"quantity"`
		} `json:"items"`
	}
	module := "restockRefundItems"
	all := strings.HasSuffix(c.URL.Path, "/all")
	if all {
		module = "restockAllRefundItems"
	} else if err := readInto(c.Request, &in); err != nil {
		return nil, err
	}
	return s.changeRefund(c, module, func(tx pgx.Tx, o *order, r *refund) error {
		if r.Status != "accepted" {
			return badRequest("invalid-refund-status")
		}
		var moves []move
		for i := range r.Items {
			back := &r.Items[i]
			n := back.Quantity - back.Restocked
			if !all {
				k := slices.IndexFunc(in.Items, func(wanted struct {
					Item     string `json:"item"`
					Quantity int64  `json:"quantity"`
				},
				) bool {
					return wanted.Item == back.Item
				})
				if k < 0 {
					continue
				}
				if in.Items[k].Quantity < 1 || in.Items[k].Quantity > n {
					return invalid("items")
				}
				n = in.Items[k].Quantity
			}
			item := o.item(back.Item)
			if n == 0 || item == nil {
				continue
			}
			for _, ordered := range append([]orderItem{*item}, item.Bundle...) {
				moves = append(moves, move{ordered.Product, ordered.Variant, n * ordered.Quantity / item.Quantity})
			}
			back.Restocked += n
		}
		return moveStock(c.Context(), tx, moves)
	})
}
