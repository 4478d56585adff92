package clayful

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// demoOrderCount is how many orders the customer demo has.
const demoOrderCount = 130

// demoOrderStates are the states they are in, in turn. What was paid was paid
// by bank transfer, so that no payment service knows of it.
var demoOrderStates = []func(*order){
	func(*order) {}, // placed
	func(o *order) { o.pay(o.Total.Amount) },
	func(o *order) { o.pay(o.Total.Amount); o.arrived(2 * 24 * time.Hour) },
	func(o *order) { o.pay(o.Total.Amount); o.arrived(10 * 24 * time.Hour); o.Done = true },
	func(o *order) { o.pay(o.Total.Amount - 1000) }, // under-paid
	func(o *order) { o.pay(o.Total.Amount + 1000) }, // over-paid
	func(o *order) { // cancelled
		reason := "단순 변심"
		o.Cancellation = &cancellation{By: "customer", Reason: &reason, CancelledAt: o.CreatedAt}
	},
	func(o *order) { o.pay(o.Total.Amount); o.reclaim("requested", 0) },  // under-refunded
	func(o *order) { o.pay(o.Total.Amount); o.reclaim("accepted", 1) },   // partially-refunded, or refunded
	func(o *order) { o.pay(o.Total.Amount); o.reclaim("accepted", 1.5) }, // over-refunded
	func(o *order) { o.pay(o.Total.Amount); o.reclaim("cancelled", 0) },
}

func (o *order) pay(sum int64) { o.Transactions[0].Paid = sum }

// arrived lets all items arrive some time ago.
func (o *order) arrived(ago time.Duration) {
	at := stamp(time.Now().Add(-ago))
	f := fulfillment{ID: newID(), Status: "arrived", CreatedAt: at, UpdatedAt: at, Tracking: map[string]any{"company": "sandbox", "uid": o.ID, "url": nil}}
	for i := range o.Items {
		f.Items = append(f.Items, struct {
			Item     string `json:"item"`
			Quantity int64  `json:"quantity"`
		}{o.Items[i].ID, o.Items[i].Quantity})
		o.Items[i].Unfulfilled = 0
	}
	o.Fulfillments = append(o.Fulfillments, f)
}

// reclaim asks the first item back; returned is how much of its price was given
// back.
func (o *order) reclaim(status string, returned float64) {
	reason := "상품이 마음에 들지 않아요"
	var in refundRequest
	in.Reason = &reason
	in.Items = append(in.Items, struct {
		Item     string `json:"item"`
		Quantity int64  `json:"quantity"`
	}{o.Items[0].ID, o.Items[0].Quantity})
	r, err := o.claim(in)
	if err != nil {
		panic(err) // the demo's own data
	}
	r.Status = status
	if status == "cancelled" {
		r.Cancellation = &cancellation{By: "customer", Reason: &reason, CancelledAt: o.CreatedAt}
	}
	o.Refunds = append(o.Refunds, *r)
	o.Transactions[0].Refunded = int64(float64(r.Total.Price.WithTax) * returned)
}

// insertOrders gives the customer demo orders of one or two vendors, the oldest
// first.
func (s *Server) insertOrders(ctx context.Context, tx pgx.Tx) error {
	demo := people[3]
	customer, err := documents(ctx, tx, "SELECT body FROM sandbox_clayful.document WHERE model = 'customers' AND id = $1", demo.id)
	if err != nil {
		return err
	}
	home := map[string]any{
		"name": map[string]any{"first": nil, "last": nil, "full": "데모"}, "company": nil, "postcode": "06236", "country": "KR", "state": "서울",
		"city": "강남구", "address1": "테헤란로 152", "address2": "1층", "mobile": "01012345678", "phone": nil,
	}
	for n := range demoOrderCount {
		first := n%demoProducts + 1
		items := []cartItem{demoLine(first, 1+int64(n%3))}
		if n%4 == 0 { // another vendor's too
			items = append(items, demoLine((first+1)%demoProducts+1, 1))
		}
		b, err := s.basket(ctx, tx, demo.id, items, home, couponsWanted{}, false)
		if err != nil {
			return err
		}
		shipments, total, err := b.calculate()
		if err != nil {
			return fmt.Errorf("demo order %d: %w", n, err)
		}
		in := checkoutRequest{Currency: "KRW"}
		in.Address.Shipping, in.Address.Billing = home, home
		o := newOrder(b, shipments, total, in, DemoTransfer)
		o.CreatedAt = stamp(time.Now().Add(-time.Duration(demoOrderCount-n) * 6 * time.Hour))
		o.ID, o.UpdatedAt = fmt.Sprintf("XRDERDEM22%02d", n), o.CreatedAt
		if n > 99 {
			o.ID = fmt.Sprintf("XRDERDEM2%03d", n)
		}
		o.Customer = map[string]any{}
		for _, field := range []string{"_id", "userId", "alias", "name", "email", "mobile", "groups", "country", "language", "currency", "timezone"} {
			o.Customer[field] = customer[0][field]
		}
		demoOrderStates[n%len(demoOrderStates)](o)
		o.settle()
		if err := s.insert(ctx, tx, "orders", asDocument(o), nil); err != nil {
			return err
		}
	}
	return nil
}

func demoLine(n int, quantity int64) cartItem {
	method := DemoParcel
	return cartItem{ID: newID(), Product: DemoProduct(n), Variant: DemoVariant(n), Quantity: quantity, ShippingMethod: &method}
}
