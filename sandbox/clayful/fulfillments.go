package clayful

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
)

type fulfillment struct {
	ID     string `json:"_id"`
	Status string `json:"status"` // pending, shipped, arrived
	Items  []struct {
		Item     string `json:"item"`
		Quantity int64  `json:"quantity"`
	} `json:"items"`
	Tracking  map[string]any `json:"tracking"`
	CreatedAt string         `json:"createdAt"`
	UpdatedAt string         `json:"updatedAt"`
}

var fulfillmentStatuses = []string{"pending", "shipped", "arrived"}

func (s *Server) createFulfillment(c call) (any, error) {
	var in fulfillment
	if err := readInto(c.Request, &in); err != nil {
		return nil, err
	}
	if in.Status == "" {
		in.Status = "pending"
	}
	if !slices.Contains(fulfillmentStatuses, in.Status) {
		return nil, invalid("status")
	}
	now := stamp(time.Now())
	in.ID, in.CreatedAt, in.UpdatedAt = newID(), now, now
	_, err := s.changeOrder(c, "createFulfillment", map[string]any{"fulfillmentId": in.ID}, func(_ pgx.Tx, o *order) error {
		for _, sent := range in.Items {
			item := o.item(sent.Item)
			if item == nil || sent.Quantity < 1 || sent.Quantity > item.Unfulfilled {
				return invalid("items")
			}
			item.Unfulfilled -= sent.Quantity
		}
		o.Fulfillments = append(o.Fulfillments, in)
		return nil
	})
	return created{"_id": in.ID, "status": in.Status, "items": in.Items, "tracking": in.Tracking, "createdAt": now, "updatedAt": now}, err
}

func (s *Server) updateFulfillment(c call) (any, error) {
	var in struct {
		Status   string         `json:"status"`
		Tracking map[string]any `json:"tracking"`
	}
	if err := readInto(c.Request, &in); err != nil {
		return nil, err
	}
	if in.Status != "" && !slices.Contains(fulfillmentStatuses, in.Status) {
		return nil, invalid("status")
	}
	id := chi.URLParam(c.Request, "fulfillment")
	var changed fulfillment
	_, err := s.changeOrder(c, "updateFulfillment", map[string]any{"fulfillmentId": id}, func(_ pgx.Tx, o *order) error {
		i := slices.IndexFunc(o.Fulfillments, func(f fulfillment) bool { return f.ID == id })
		if i < 0 {
			return notExisting("fulfillments")
		}
		f := &o.Fulfillments[i]
		if in.Status != "" {
			f.Status = in.Status
		}
		if in.Tracking != nil {
			f.Tracking = in.Tracking
		}
		f.UpdatedAt = stamp(time.Now())
		changed = *f
		return nil
	})
	return changed, err
}

func (s *Server) deleteFulfillment(c call) (any, error) {
	id := chi.URLParam(c.Request, "fulfillment")
	_, err := s.changeOrder(c, "deleteFulfillment", map[string]any{"fulfillmentId": id}, func(_ pgx.Tx, o *order) error {
		i := slices.IndexFunc(o.Fulfillments, func(f fulfillment) bool { return f.ID == id })
		if i < 0 {
			return notExisting("fulfillments")
		}
		for _, sent := range o.Fulfillments[i].Items {
			if item := o.item(sent.Item); item != nil {
				item.Unfulfilled += sent.Quantity
			}
		}
		o.Fulfillments = slices.Delete(o.Fulfillments, i, i+1)
		return nil
	})
	return nil, err
}

// Arrive is the parcel's arrival: everything unsent is sent, and all arrives.
// It is for the control API. At is when, for an arrival in the past.
func (s *Server) Arrive(ctx context.Context, id string, at time.Time) error {
	_, err := s.change(ctx, "orders", id, func(tx pgx.Tx, d document) error {
		o, err := asOrder(d)
		if err != nil {
			return err
		}
		if o.Status == "placed" || o.Status == "cancelled" {
			return badRequest("invalid-order-status")
		}
		parcel := fulfillment{ID: newID(), CreatedAt: stamp(at), Tracking: map[string]any{"company": "sandbox", "uid": o.ID, "url": nil}}
		for i := range o.Items {
			if item := &o.Items[i]; item.Unfulfilled > 0 {
				parcel.Items = append(parcel.Items, struct {
					Item     string `json:"item"`
					Quantity int64  `json:"quantity"`
				}{item.ID, item.Unfulfilled})
				item.Unfulfilled = 0
			}
		}
		if len(parcel.Items) > 0 {
			o.Fulfillments = append(o.Fulfillments, parcel)
		}
		for i := range o.Fulfillments {
			o.Fulfillments[i].Status, o.Fulfillments[i].UpdatedAt = "arrived", stamp(at)
		}
		for key, value := range asDocument(o) {
			d[key] = value
		}
		return s.notify(ctx, tx, "order.updateFulfillment", map[string]any{"orderId": o.ID}, o)
	})
	var refusal *apiError
	if errors.As(err, &refusal) {
		return fmt.Errorf("%w: %w", ErrRefused, refusal)
	}
	return err
}
