package clayful

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
)

func (s *Server) checkoutRoutes() []route {
	return []route{
		{"POST", "/customers/{id}/cart/checkout/{type}", backend, s.checkout},
		{"POST", "/me/cart/checkout/{type}", meOnly, s.checkout},
		{"POST", "/customers/non-registered/cart/checkout/{type}", backend, s.checkout},
		{"POST", "/me/non-registered/cart/checkout/{type}", anonymous, s.checkout},
	}
}

// checkoutRequest is what an order is made of.
type checkoutRequest struct {
	cartRequest

	Currency      string         `json:"currency"`
	PaymentMethod *string        `json:"paymentMethod"`
	Request       *string        `json:"request"`
	Tags          []string       `json:"tags"`
	Meta          map[string]any `json:"meta"`
	Customer      map[string]any `json:"customer"` // of a guest
}

// checkout makes an order of the customer's cart, or of the items sent, which
// leaves the cart alone. Stock and coupons are taken in the same transaction.
func (s *Server) checkout(c call) (any, error) {
	if chi.URLParam(c.Request, "type") != "order" {
		return nil, badRequest("not-supported-checkout-type")
	}
	var in checkoutRequest
	if err := readInto(c.Request, &in); err != nil {
		return nil, err
	}
	if err := in.validate(); err != nil {
		return nil, err
	}
	var placed *order
	err := pgx.BeginFunc(c.Context(), s.pool, func(tx pgx.Tx) (err error) {
		placed, err = s.placeOrder(c, tx, in)
		if err != nil {
			return err
		}
		return s.notify(c.Context(), tx, "cart.checkout", map[string]any{"orderId": placed.ID}, placed)
	})
	if err != nil {
		return nil, err
	}
	return created{"order": placed}, nil
}

func (in *checkoutRequest) validate() error {
	if in.Currency == "" {
		in.Currency = "KRW"
	}
	if in.Currency != "KRW" {
		return badRequest("not-existing-currency-relation")
	}
	for kind, address := range map[string]map[string]any{"shipping": in.Address.Shipping, "billing": in.Address.Billing} {
		if err := validAddress(kind, address); err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	for i := range in.Items {
		item := &in.Items[i]
		if item.ID == "" {
			item.ID = newID()
		}
		if seen[item.ID] {
			return invalid("items." + strconv.Itoa(i) + "._id")
		}
		seen[item.ID] = true
		if err := item.validate("items." + strconv.Itoa(i) + "."); err != nil {
			return err
		}
	}
	if lines(in.Items) > maxLines {
		return badRequest("items-exceeded")
	}
	return nil
}

// validAddress checks an address of an order. Kind is shipping or billing.
func validAddress(kind string, address map[string]any) error {
	if address == nil {
		return invalid("address." + kind)
	}
	for _, field := range []string{"country", "city", "address1"} {
		if text, ok := address[field].(string); !ok || text == "" {
			if field != "country" || country(address) == nil {
				return invalid("address." + kind + "." + field)
			}
		}
	}
	postcode, _ := address["postcode"].(string)
	switch {
	case postcode == "":
		return badRequest("postcode-required")
	case len(postcode) != 5 || strings.Trim(postcode, "0123456789") != "":
		return badRequest("invalid-postcode")
	}
	return nil
}

func (s *Server) placeOrder(c call, tx pgx.Tx, in checkoutRequest) (*order, error) {
	ctx, customerID := c.Context(), target(c)
	customer, err := s.buyer(ctx, customerID, in.Customer)
	if err != nil {
		return nil, err
	}
	items := in.Items
	if items == nil && customerID != "" {
		kept, err := s.lockCart(ctx, tx, customerID)
		if err != nil {
			return nil, err
		}
		items = asked(c.Request, kept)
		left := slices.DeleteFunc(slices.Clone(kept), func(item cartItem) bool {
			return slices.ContainsFunc(items, func(taken cartItem) bool { return taken.ID == item.ID })
		})
		if err := s.saveCart(ctx, tx, customerID, left); err != nil {
			return nil, err
		}
	}
	if len(items) == 0 {
		return nil, badRequest("empty-cart")
	}
	b, err := s.basket(ctx, tx, customerID, items, in.Address.Shipping, in.Discount, true)
	if err != nil {
		return nil, err
	}
	shipments, total, err := b.calculate()
	if err != nil {
		return nil, err
	}
	for _, l := range b.lines {
		if len(l.errors) > 0 {
			return nil, badRequest(l.errors[0].Code)
		}
	}
	method, err := s.paymentMethod(ctx, tx, in.PaymentMethod, total.Amount)
	if err != nil {
		return nil, err
	}
	if err := s.takeStock(ctx, tx, b); err != nil {
		return nil, err
	}
	if err := s.takeCoupons(ctx, tx, customerID, in.Discount); err != nil {
		return nil, err
	}
	placed := newOrder(b, shipments, total, in, method)
	placed.Customer = customer
	return placed, s.insert(ctx, tx, "orders", asDocument(placed), nil)
}

// buyer is the customer as an order remembers them.
func (s *Server) buyer(ctx context.Context, id string, guest map[string]any) (map[string]any, error) {
	d := document(guest)
	if id != "" {
		var err error
		if d, err = s.load(ctx, "customers", id); err != nil {
			return nil, err
		}
	} else if guest == nil {
		return nil, invalid("customer")
	}
	snapshot := map[string]any{}
	for _, field := range []string{
		"_id", "connect", "userId", "alias", "groups", "name", "email", "mobile", "phone", "gender", "birthdate",
		"country", "language", "currency", "timezone",
	} {
		snapshot[field] = d[field]
	}
	return snapshot, nil
}

// paymentMethod finds the method by id or slug. An order that costs nothing has
// none.
func (s *Server) paymentMethod(ctx context.Context, tx pgx.Tx, wanted *string, amount int64) (string, error) {
	if amount == 0 {
		if wanted != nil {
			return "", badRequest("payment-method-not-required")
		}
		return "", nil
	}
	if wanted == nil || *wanted == "" {
		return "", invalid("paymentMethod")
	}
	found, err := documents(ctx, tx, `SELECT body FROM sandbox_clayful.document
		WHERE model = 'paymentMethods' AND (id = $1 OR body->>'slug' = $1)`, *wanted)
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", badRequest("not-existing-payment-method-relation")
	}
	return found[0].id(), nil
}

// takeStock takes what is ordered out of stock.
func (s *Server) takeStock(ctx context.Context, tx pgx.Tx, b *basket) error {
	var moves []move
	for _, l := range b.lines {
		for _, ordered := range append([]*line{l}, l.bundle...) {
			moves = append(moves, move{ordered.productID, ordered.variantID, -ordered.quantity})
		}
	}
	return moveStock(ctx, tx, moves)
}

// move is a change of the stock of a variant.
type move struct {
	product, variant string
	by               int64
}

// moveStock makes all of the moves, each product locked in turn: always in one
// order, so that nobody waits for each other.
func moveStock(ctx context.Context, tx pgx.Tx, moves []move) error {
	slices.SortStableFunc(moves, func(a, b move) int { return cmp.Compare(a.product, b.product) })
	for _, m := range moves {
		if err := moveVariant(ctx, tx, m.product, m.variant, m.by); err != nil {
			return err
		}
	}
	return nil
}

// moveVariant changes the quantity of a variant, which is never below zero.
// Unlimited stock stays so, and a variant that is gone takes nothing back.
func moveVariant(ctx context.Context, tx pgx.Tx, product, variant string, by int64) error {
	var quantity *float64
	var index int
	err := tx.QueryRow(ctx, `SELECT (v.value->>'quantity')::float8, v.ordinality::int - 1
		FROM sandbox_clayful.document d, jsonb_array_elements(d.body->'variants') WITH ORDINALITY v
		WHERE d.model = 'products' AND d.id = $1 AND v.value->>'_id' = $2 FOR UPDATE OF d`, product, variant).Scan(&quantity, &index)
	if err == pgx.ErrNoRows { //nolint:errorlint // as pgx returns it
		return nil
	}
	if err != nil {
		return fmt.Errorf("read stock: %w", err)
	}
	if quantity == nil {
		return nil
	}
	left := int64(*quantity) + by
	if left < 0 {
		return badRequest("exceeded-item-quantity")
	}
	_, err = tx.Exec(ctx, `UPDATE sandbox_clayful.document SET body = jsonb_set(body, ARRAY['variants', $2, 'quantity'], to_jsonb($3::bigint))
		WHERE model = 'products' AND id = $1`, product, strconv.Itoa(index), left)
	if err != nil {
		return fmt.Errorf("change stock: %w", err)
	}
	return nil
}

// takeCoupons uses coupons up: they leave the customer's list for good.
func (s *Server) takeCoupons(ctx context.Context, tx pgx.Tx, customer string, wanted couponsWanted) error {
	var used []string
	if wanted.Cart != nil {
		used = append(used, wanted.Cart.Coupon)
	}
	for _, item := range wanted.Items {
		used = append(used, item.Coupon)
	}
	for _, item := range wanted.Shipping {
		used = append(used, item.Coupon)
	}
	slices.Sort(used) // in one order, as stock
	for _, coupon := range used {
		if coupon == "" {
			continue
		}
		tag, err := tx.Exec(ctx, `DELETE FROM sandbox_clayful.document WHERE (model, id) IN (
			SELECT model, id FROM sandbox_clayful.document
			WHERE model = 'issuedCoupons' AND body->>'customer' = $1 AND body->>'coupon' = $2 LIMIT 1)`, customer, coupon)
		if err != nil {
			return fmt.Errorf("use coupon: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return badRequest("not-existing-coupon-relation")
		}
		if _, err := tx.Exec(ctx, `UPDATE sandbox_clayful.document
			SET body = jsonb_set(body, '{amount,used}', to_jsonb(coalesce((body #>> '{amount,used}')::numeric, 0) + 1))
			WHERE model = 'coupons' AND id = $1`, coupon); err != nil {
			return fmt.Errorf("count coupon: %w", err)
		}
	}
	return nil
}

func newOrder(b *basket, shipments []*shipment, total totals, in checkoutRequest, method string) *order {
	now := stamp(time.Now())
	o := &order{
		ID: newID(), Language: "ko", Synced: true, Tags: orEmpty(in.Tags), Reviews: []any{}, Request: in.Request, Meta: in.Meta,
		Currency: currency(), Tax: map[string]any{"region": nil, "included": true, "country": "KR"},
		Address: map[string]any{"shipping": in.Address.Shipping, "billing": in.Address.Billing},
		Total:   total, Shipments: shipments, Fulfillments: []fulfillment{}, Refunds: []refund{}, Transactions: []transaction{},
		CreatedAt: now, UpdatedAt: now,
	}
	if o.Meta == nil {
		o.Meta = map[string]any{}
	}
	if o.Shipments == nil {
		o.Shipments = []*shipment{}
	}
	ids := map[string]string{} // of the order's items, by the cart's
	for _, l := range b.lines {
		item := l.orderItem()
		ids[l.id] = item.ID
		o.Items = append(o.Items, item)
	}
	for _, s := range o.Shipments {
		for i, id := range s.Items {
			s.Items[i] = ids[id]
		}
	}
	if method != "" {
		o.Transactions = append(o.Transactions, transaction{PaymentMethod: method, VBanks: []vbank{}, CreatedAt: now, UpdatedAt: now})
	}
	o.settle()
	return o
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// orderItem is a line as an order keeps it.
func (l *line) orderItem() orderItem {
	vendor := l.vendor()
	item := orderItem{
		ID: newID(), Product: l.productID, Variant: l.variantID, Quantity: l.quantity, Unfulfilled: l.quantity, Vendor: vendor,
		ShippingMethod: l.method, Request: l.request, TaxCategory: l.category, Price: l.price, Discounts: l.discounts, Taxes: l.taxes,
		Discounted: l.price.Original - l.price.Sale, Taxed: l.price.WithTax - l.price.WithoutTax, Bundle: []orderItem{},
		Total: itemsTotal{Price: l.total, subtotal: subtotal{l.total.Original - l.total.Sale, l.total.WithTax - l.total.WithoutTax}},
	}
	item.Type, _ = l.product["type"].(string)
	item.Brand, item.Collections = l.product["brand"], l.product["collections"]
	for _, bundled := range l.bundle {
		item.Bundle = append(item.Bundle, bundled.orderItem())
	}
	return item
}
