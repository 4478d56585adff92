package clayful

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
)

func (s *Server) cartRoutes() []route {
	routes := []route{
		{"POST", "/customers/non-registered/cart", backend, s.getCart},
		{"POST", "/me/non-registered/cart", anonymous, s.getCart},
	}
	for base, access := range map[string]access{"/customers/{id}/cart": backend, "/me/cart": meOnly} {
		routes = append(routes,
			route{"POST", base, access, s.getCart},
			route{"POST", base + "/items", access, s.addCartItem},
			route{"DELETE", base + "/items", access, s.emptyCart},
			route{"GET", base + "/items/count", access, s.countCartItems},
			route{"PUT", base + "/items/{item}", access, s.updateCartItem},
			route{"DELETE", base + "/items/{item}", access, s.deleteCartItem})
	}
	return routes
}

// cartItem is a line as a cart keeps it.
type cartItem struct {
	ID             string     `json:"_id"`
	Product        string     `json:"product"`
	Variant        string     `json:"variant"`
	Quantity       int64      `json:"quantity"`
	ShippingMethod *string    `json:"shippingMethod"`
	BundleItems    []cartItem `json:"bundleItems"`
	Request        *string    `json:"request,omitempty"`
	AddedAt        string     `json:"addedAt,omitempty"`
}

// maxQuantity keeps amounts far from where they would overflow.
const maxQuantity = 1_000_000

// validate tells which field of a line is unusable.
func (i cartItem) validate(at string) error {
	switch {
	case i.Product == "":
		return invalid(at + "product")
	case i.Variant == "":
		return invalid(at + "variant")
	case i.Quantity < 1 || i.Quantity > maxQuantity:
		return invalid(at + "quantity")
	}
	for _, bundled := range i.BundleItems {
		if err := bundled.validate(at + "bundleItems."); err != nil {
			return err
		}
	}
	return nil
}

func lines(items []cartItem) int {
	n := len(items)
	for _, item := range items {
		n += len(item.BundleItems)
	}
	return n
}

// readInto decodes a body that may be empty.
func readInto(r *http.Request, into any) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return invalid("")
	}
	if len(strings.TrimSpace(string(body))) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		var wrongType *json.UnmarshalTypeError
		if errors.As(err, &wrongType) {
			return invalid(wrongType.Field)
		}
		return &apiError{status: http.StatusBadRequest, code: "validation", source: "payload"}
	}
	return nil
}

// changeCart lets do change a customer's cart in one transaction.
func (s *Server) changeCart(ctx context.Context, customer string, do func([]cartItem) ([]cartItem, error)) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		items, err := s.lockCart(ctx, tx, customer)
		if err != nil {
			return err
		}
		if items, err = do(items); err != nil {
			return err
		}
		return s.saveCart(ctx, tx, customer, items)
	})
}

func (s *Server) lockCart(ctx context.Context, tx pgx.Tx, customer string) ([]cartItem, error) {
	var cart struct {
		Items []cartItem `json:"items"`
	}
	_, err := tx.Exec(ctx, `INSERT INTO sandbox_clayful.document (model, id, body) VALUES ('carts', $1, '{"items": []}')
		ON CONFLICT (model, id) DO NOTHING`, customer)
	if err == nil {
		err = tx.QueryRow(ctx, "SELECT body FROM sandbox_clayful.document WHERE model = 'carts' AND id = $1 FOR UPDATE", customer).Scan(&cart)
	}
	if err != nil {
		return nil, fmt.Errorf("lock cart: %w", err)
	}
	return cart.Items, nil
}

func (s *Server) saveCart(ctx context.Context, tx pgx.Tx, customer string, items []cartItem) error {
	body := map[string]any{"_id": customer, "items": items}
	if items == nil {
		body["items"] = []cartItem{}
	}
	if _, err := tx.Exec(ctx, "UPDATE sandbox_clayful.document SET body = $2 WHERE model = 'carts' AND id = $1", customer, body); err != nil {
		return fmt.Errorf("save cart: %w", err)
	}
	return nil
}

func (s *Server) addCartItem(c call) (any, error) {
	var item cartItem
	if err := readInto(c.Request, &item); err != nil {
		return nil, err
	}
	if err := item.validate(""); err != nil {
		return nil, err
	}
	if _, err := s.load(c.Context(), "customers", target(c)); err != nil {
		return nil, err
	}
	item.ID, item.AddedAt = newID(), stamp(time.Now())
	for i := range item.BundleItems {
		item.BundleItems[i].ID = newID()
	}
	if item.BundleItems == nil {
		item.BundleItems = []cartItem{}
	}
	err := s.changeCart(c.Context(), target(c), func(items []cartItem) ([]cartItem, error) {
		if lines(items)+1+len(item.BundleItems) > maxLines {
			return nil, badRequest("items-exceeded")
		}
		return append(items, item), nil
	})
	return item, err
}

func (s *Server) updateCartItem(c call) (any, error) {
	var in map[string]json.RawMessage
	if err := readInto(c.Request, &in); err != nil {
		return nil, err
	}
	var changed cartItem
	err := s.changeCart(c.Context(), target(c), func(items []cartItem) ([]cartItem, error) {
		i := slices.IndexFunc(items, func(item cartItem) bool { return item.ID == chi.URLParam(c.Request, "item") })
		if i < 0 {
			return nil, notExisting("cart-items")
		}
		if err := items[i].patch(in); err != nil {
			return nil, err
		}
		changed = items[i]
		return items, changed.validate("")
	})
	return changed, err
}

// patch sets the given fields. Bundle items are replaced by a list, or changed
// one by one by a map of their ids, where null removes one.
func (i *cartItem) patch(in map[string]json.RawMessage) error {
	for field, into := range map[string]any{
		"product": &i.Product, "variant": &i.Variant, "quantity": &i.Quantity, "shippingMethod": &i.ShippingMethod,
	} {
		if value, given := in[field]; given && json.Unmarshal(value, into) != nil {
			return invalid(field)
		}
	}
	bundle, given := in["bundleItems"]
	if !given {
		return nil
	}
	var whole []cartItem
	if json.Unmarshal(bundle, &whole) == nil {
		for k := range whole {
			whole[k].ID = newID()
		}
		i.BundleItems = whole
		return nil
	}
	var each map[string]*struct {
		Quantity int64 `json:"quantity"`
	}
	if json.Unmarshal(bundle, &each) != nil {
		return invalid("bundleItems")
	}
	i.BundleItems = slices.DeleteFunc(i.BundleItems, func(bundled cartItem) bool {
		change, given := each[bundled.ID]
		return given && change == nil
	})
	for k := range i.BundleItems {
		if change := each[i.BundleItems[k].ID]; change != nil {
			i.BundleItems[k].Quantity = change.Quantity
		}
	}
	return nil
}

func (s *Server) deleteCartItem(c call) (any, error) {
	return nil, s.changeCart(c.Context(), target(c), func(items []cartItem) ([]cartItem, error) {
		left := slices.DeleteFunc(items, func(item cartItem) bool { return item.ID == chi.URLParam(c.Request, "item") })
		if len(left) == len(items) {
			return nil, notExisting("cart-items")
		}
		return left, nil
	})
}

func (s *Server) emptyCart(c call) (any, error) {
	return nil, s.changeCart(c.Context(), target(c), func([]cartItem) ([]cartItem, error) { return nil, nil })
}

func (s *Server) countCartItems(c call) (any, error) {
	cart, err := s.load(c.Context(), "carts", target(c))
	var refusal *apiError
	if err != nil && !errors.As(err, &refusal) {
		return nil, err
	}
	items, _ := cart["items"].([]any)
	return map[string]any{"count": number(float64(len(items)))}, nil
}

// cartRequest asks for a calculation, or, with more, for an order.
type cartRequest struct {
	Address struct {
		Shipping map[string]any `json:"shipping"`
		Billing  map[string]any `json:"billing"`
	} `json:"address"`
	Discount couponsWanted `json:"discount"`
	Items    []cartItem    `json:"items"`
}

// getCart prices a customer's cart, or the items a guest sends.
func (s *Server) getCart(c call) (any, error) {
	var in cartRequest
	if err := readInto(c.Request, &in); err != nil {
		return nil, err
	}
	var cart document
	err := pgx.BeginTxFunc(c.Context(), s.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		items := in.Items
		if customer := target(c); customer != "" {
			var kept struct {
				Items []cartItem `json:"items"`
			}
			err := tx.QueryRow(c.Context(), "SELECT body FROM sandbox_clayful.document WHERE model = 'carts' AND id = $1", customer).Scan(&kept)
			if err != nil && !errors.Is(err, pgx.ErrNoRows) {
				return fmt.Errorf("read cart: %w", err)
			}
			items = asked(c.Request, kept.Items)
		}
		b, err := s.basket(c.Context(), tx, target(c), items, in.Address.Shipping, in.Discount, false)
		if err != nil {
			return err
		}
		cart, err = b.cart(in)
		return err
	})
	if err != nil {
		return nil, err
	}
	shown, err := s.shown(c, "carts", []document{cart})
	if err != nil {
		return nil, err
	}
	return map[string]any{"cart": shown[0]}, nil
}

// asked keeps the lines that ?items= names, all when it names none.
func asked(r *http.Request, items []cartItem) []cartItem {
	names := r.URL.Query().Get("items")
	if names == "" {
		return items
	}
	wanted := strings.Split(names, ",")
	return slices.DeleteFunc(slices.Clone(items), func(item cartItem) bool { return !slices.Contains(wanted, item.ID) })
}

// basket loads what the lines refer to. With lock, nobody else changes the
// products' stock until the transaction ends.
func (s *Server) basket(ctx context.Context, tx pgx.Tx, customer string, items []cartItem, shipTo map[string]any, wanted couponsWanted, lock bool) (*basket, error) {
	var ids []string
	for _, item := range items {
		ids = append(ids, item.Product)
		for _, bundled := range item.BundleItems {
			ids = append(ids, bundled.Product)
		}
	}
	suffix := ""
	if lock {
		suffix = " ORDER BY id FOR UPDATE"
	}
	products, err := documents(ctx, tx, "SELECT body FROM sandbox_clayful.document WHERE model = 'products' AND id = ANY($1)"+suffix, ids)
	if err != nil {
		return nil, err
	}
	rules, err := documents(ctx, tx, "SELECT body || jsonb_build_object('model', model) FROM sandbox_clayful.document WHERE model IN ('shippingPolicies', 'taxCategories') ORDER BY id")
	if err != nil {
		return nil, err
	}
	held, err := documents(ctx, tx, `SELECT coupon.body FROM sandbox_clayful.document issued
		JOIN sandbox_clayful.document coupon ON coupon.model = 'coupons' AND coupon.id = issued.body->>'coupon'
		WHERE issued.model = 'issuedCoupons' AND issued.body->>'customer' = $1`, customer)
	if err != nil {
		return nil, err
	}
	b := &basket{shipTo: shipTo, wanted: wanted, rates: map[string]*rate{}, coupons: map[string]document{}}
	for _, coupon := range held {
		b.coupons[coupon.id()] = coupon
	}
	for _, rule := range rules {
		if rule["model"] == "shippingPolicies" {
			b.policies = append(b.policies, rule)
			continue
		}
		for _, r := range objects(rule["rules"]) {
			percent, _ := r["rate"].(float64)
			name, _ := ko(r["name"]).(string)
			if shipTo != nil && r["country"] == country(shipTo) {
				b.rates[rule.id()] = &rate{name: name, percent: percent}
			}
		}
	}
	found := map[string]document{}
	for _, product := range products {
		found[product.id()] = product
	}
	for _, item := range items {
		b.lines = append(b.lines, newLine(item, found))
	}
	return b, nil
}

func newLine(item cartItem, products map[string]document) *line {
	l := &line{
		id: item.ID, productID: item.Product, variantID: item.Variant, quantity: item.Quantity, method: item.ShippingMethod,
		request: item.Request, addedAt: item.AddedAt, product: products[item.Product],
		errors: []problem{}, discounts: []discount{}, taxes: []tax{},
	}
	for _, variant := range objects(l.product["variants"]) {
		if variant["_id"] == item.Variant {
			l.variant = variant
		}
	}
	for _, bundled := range item.BundleItems {
		l.bundle = append(l.bundle, newLine(bundled, products))
	}
	return l
}

func documents(ctx context.Context, tx pgx.Tx, sql string, args ...any) ([]document, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[document])
	if err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	return found, nil
}

// cart is the calculation as a raw document.
func (b *basket) cart(in cartRequest) (document, error) {
	shipments, total, err := b.calculate()
	if err != nil {
		return nil, err
	}
	problems := []problem{}
	if len(b.lines) == 0 {
		problems = append(problems, problem{"empty-cart"})
	}
	items := []any{}
	for _, l := range b.lines {
		if len(l.errors) > 0 && !slices.Contains(problems, problem{"item-error"}) {
			problems = append(problems, problem{"item-error"})
		}
		items = append(items, l.cartItem())
	}
	if b.shipTo == nil {
		problems = append(problems, problem{"shipping-address-required"})
	}
	if shipments == nil {
		shipments = []*shipment{}
	}
	total.Vendors = nil
	d := asDocument(map[string]any{
		"status": statusOf(problems), "errors": problems, "items": items, "shipments": shipments,
		"address":  map[string]any{"shipping": in.Address.Shipping, "billing": in.Address.Billing},
		"tax":      map[string]any{"included": true, "country": "KR", "region": nil},
		"currency": currency(), "language": "ko", "total": total,
	})
	return d, nil
}

func statusOf(problems []problem) string {
	if len(problems) > 0 {
		return "error"
	}
	return "ok"
}

func currency() map[string]any {
	won := map[string]any{"code": "KRW", "precision": 0}
	return map[string]any{"base": won, "payment": won, "rate": 1}
}

// cartItem is a line as the calculation shows it.
func (l *line) cartItem() map[string]any {
	shown := l.shared()
	shown["status"], shown["errors"], shown["addedAt"] = statusOf(l.errors), l.errors, l.addedAt
	if l.product == nil {
		shown["product"] = nil
	}
	if l.variant == nil {
		shown["variant"] = nil
	}
	bundled := []any{}
	for _, b := range l.bundle {
		item := b.cartItem()
		item["required"] = b.required
		bundled = append(bundled, item)
	}
	shown["bundleItems"] = bundled
	return shown
}

// shared is what a line looks like in a cart and in an order.
func (l *line) shared() map[string]any {
	return asDocument(map[string]any{
		"_id": l.id, "type": l.product["type"], "product": l.productID, "variant": l.variantID, "quantity": l.quantity,
		"brand": l.product["brand"], "vendor": l.vendor(), "shippingMethod": l.method, "taxCategory": l.category,
		"collections": l.product["collections"], "price": l.price, "discounts": l.discounts, "taxes": l.taxes,
		"discounted": l.price.Original - l.price.Sale, "taxed": l.price.WithTax - l.price.WithoutTax,
		"total": itemsTotal{Price: l.total, subtotal: subtotal{l.total.Original - l.total.Sale, l.total.WithTax - l.total.WithoutTax}},
	})
}
