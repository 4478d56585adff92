package clayful

import (
	"slices"
	"time"
)

// useItemCoupons takes product coupons off their lines: one per line, of
// quantity one, and no coupon twice.
func (b *basket) useItemCoupons() error {
	used := map[string]bool{}
	for _, want := range b.wanted.Items {
		if want.Coupon == "" {
			continue
		}
		i := slices.IndexFunc(b.lines, func(l *line) bool { return l.id == want.Item })
		if i < 0 {
			return invalid("discount.items")
		}
		l := b.lines[i]
		coupon, err := b.held(want.Coupon, "product")
		if err != nil {
			return err
		}
		if !l.ordered() {
			continue
		}
		unit := l.price.Sale / max(l.quantity, 1)
		switch {
		case used[want.Coupon]:
			return badRequest("duplicated-coupon")
		case l.quantity != 1:
			return badRequest("product-coupon-quantity")
		case coupon["only"] == true && len(l.discounts) > 0:
			return badRequest("product-coupon-only")
		case !matches(coupon, l.product):
			return badRequest("product-coupon-category")
		case !within(coupon, unit):
			return badRequest("product-coupon-price")
		}
		used[want.Coupon] = true
		kind, value, by := worth(coupon, l.price.Sale)
		l.reduce(want.Coupon, kind, value, by)
	}
	return nil
}

// useCartCoupon takes a cart coupon off all lines in proportion to their price.
// The parts sum up to the won.
func (b *basket) useCartCoupon() error {
	if b.wanted.Cart == nil || b.wanted.Cart.Coupon == "" {
		return nil
	}
	coupon, err := b.held(b.wanted.Cart.Coupon, "cart")
	if err != nil {
		return err
	}
	var whole int64
	for _, l := range b.lines {
		if !l.ordered() {
			continue
		}
		whole += l.price.Sale
		if !matches(coupon, l.product) || coupon["only"] == true && len(l.discounts) > 0 {
			return badRequest("cart-coupon-category")
		}
	}
	if !within(coupon, whole) {
		return badRequest("cart-coupon-price")
	}
	_, _, by := worth(coupon, whole)
	by = min(by, whole)
	var before, given int64
	for _, l := range b.lines {
		if !l.ordered() || whole == 0 {
			continue
		}
		before += l.price.Sale
		part := by*before/whole - given
		given += part
		l.reduce(b.wanted.Cart.Coupon, "fixed", float64(part), part)
	}
	return nil
}

// useShippingCoupons takes shipping coupons off the fee of the shipment that
// holds the item named.
func (b *basket) useShippingCoupons(shipments []*shipment) error {
	for _, want := range b.wanted.Shipping {
		if want.Coupon == "" {
			continue
		}
		coupon, err := b.held(want.Coupon, "shipping")
		if err != nil {
			return err
		}
		i := slices.IndexFunc(shipments, func(s *shipment) bool { return slices.Contains(s.Items, want.Item) })
		if i < 0 {
			return invalid("discount.shipping")
		}
		s := shipments[i]
		if !within(coupon, s.Fee.Sale) {
			return badRequest("shipping-coupon-price")
		}
		kind, value, by := worth(coupon, s.Fee.Sale)
		by = min(by, s.Fee.Sale)
		s.Discounts = append(s.Discounts, discount{
			Coupon: &want.Coupon, Type: kind, Value: value, Discounted: by, Before: s.Fee.Sale, After: s.Fee.Sale - by,
		})
		s.Fee.Sale -= by
	}
	return nil
}

// held is a coupon the customer has and may use now.
func (b *basket) held(id, kind string) (document, error) {
	coupon, ok := b.coupons[id]
	expires, _ := coupon["expiresAt"].(string)
	switch {
	case !ok:
		return nil, badRequest("not-existing-coupon-relation")
	case coupon["type"] != kind:
		return nil, badRequest("invalid-coupon-type")
	case coupon["active"] == false, expires != "" && expires <= stamp(time.Now()):
		return nil, badRequest("expired-coupon")
	case lookup(coupon, "subscription", "type") != nil:
		return nil, badRequest("subscription-coupon")
	}
	return coupon, nil
}

// worth is what a coupon takes off an amount.
func worth(coupon document, of int64) (kind string, value float64, by int64) {
	kind, _ = lookup(coupon, "discount", "type").(string)
	value, _ = lookup(coupon, "discount", "value").(float64)
	by = int64(value)
	if kind == "percentage" {
		by = share(of, value)
		if least, ok := lookup(coupon, "discount", "min").(float64); ok {
			by = max(by, int64(least))
		}
		if most, ok := lookup(coupon, "discount", "max").(float64); ok {
			by = min(by, int64(most))
		}
	}
	return kind, value, by
}

// within tells whether an amount lies in the coupon's price range.
func within(coupon document, amount int64) bool {
	least, bounded := lookup(coupon, "price", "min").(float64)
	most, capped := lookup(coupon, "price", "max").(float64)
	return !(bounded && float64(amount) < least) && !(capped && float64(amount) > most)
}

// matches tells whether a coupon is for the product: by its brand, any
// collection above it, or itself.
func matches(coupon, product document) bool {
	kind, _ := lookup(coupon, "category", "type").(string)
	if kind == "" || kind == "any" {
		return true
	}
	listed := func(field string, id any) bool {
		ids, _ := lookup(coupon, "category", field).([]any)
		return slices.Contains(ids, id)
	}
	found := listed("products", product["_id"]) || product["brand"] != nil && listed("brands", product["brand"])
	ids, _ := product["collectionIDs"].([]any)
	for _, id := range ids {
		found = found || listed("collections", id)
	}
	return found == (kind == "include")
}
