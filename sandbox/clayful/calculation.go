package clayful

import (
	"cmp"
	"slices"
	"strings"
)

// maxLines is how many lines a cart holds, bundled ones included.
const maxLines = 50

// problem is why a line or a cart cannot be ordered as it is.
type problem struct {
	Code string `json:"code"`
}

// line is a line of a cart or an order while it is calculated. The shop's side
// of it (product, variant) is nil when it no longer exists.
type line struct {
	id, productID, variantID string
	quantity                 int64
	method                   *string
	request                  *string
	addedAt                  string
	product                  document
	variant                  map[string]any
	bundle                   []*line
	required                 bool // a bundle's item that has to be taken

	errors    []problem
	price     amounts // of the line itself
	total     amounts // with its bundled lines
	discounts []discount
	taxes     []tax
	rate      *rate
	category  *string
}

// basket is what is calculated.
type basket struct {
	lines    []*line
	shipTo   map[string]any // nil before an address is known
	policies []document
	rates    map[string]*rate    // by tax category
	coupons  map[string]document // that the customer holds, by id
	wanted   couponsWanted
}

// couponsWanted are the coupons a request names.
type couponsWanted struct {
	Cart *struct {
		Coupon string `json:"coupon"`
	} `json:"cart"`
	Items []struct {
		Item   string `json:"item"`
		Coupon string `json:"coupon"`
	} `json:"items"`
	Shipping []struct {
		Item   string `json:"item"`
		Coupon string `json:"coupon"`
	} `json:"shipping"`
}

// shipment is what is sent together: lines of one vendor under one policy.
type shipment struct {
	ID       string       `json:"_id"`
	Type     string       `json:"type"` // bundled, separated
	Items    []string     `json:"items"`
	Policy   string       `json:"shippingPolicy"`
	Vendor   *string      `json:"vendor,omitempty"`
	Quantity int64        `json:"quantity"`
	Free     bool         `json:"free"`
	Rule     shippingRule `json:"rule"`
	Fee      amounts      `json:"fee"`

	Discounts  []discount `json:"discounts"`
	Discounted int64      `json:"discounted"`
	Taxes      []tax      `json:"taxes"`
	Taxed      int64      `json:"taxed"`
}

type shippingRule struct {
	Free struct {
		PriceOver *float64 `json:"priceOver"`
	} `json:"free"`
	Criteria struct {
		Price  int64   `json:"price"`
		Weight float64 `json:"weight"`
	} `json:"criteria"`
	WeightOver float64 `json:"weightOver"`
	Fee        float64 `json:"fee"`
}

// subtotal sums up lines, or fees.
type subtotal struct {
	Discounted int64 `json:"discounted"`
	Taxed      int64 `json:"taxed"`
}

type itemsTotal struct {
	Price amounts `json:"price"`
	subtotal
}

type shippingTotal struct {
	Fee amounts `json:"fee"`
	subtotal
}

// totals sum up an order, or one vendor's part of it.
type totals struct {
	Vendor   *string       `json:"vendor,omitempty"`
	Price    amounts       `json:"price"`
	Items    itemsTotal    `json:"items"`
	Shipping shippingTotal `json:"shipping"`
	subtotal
	Amount  int64      `json:"amount"`
	Taxes   []keyedTax `json:"taxes"`
	Vendors []totals   `json:"vendors,omitempty"`
}

// calculate prices the basket: each line by itself, then the coupons, the tax
// and the shipping. The error is a coupon that cannot be used.
func (b *basket) calculate() ([]*shipment, totals, error) {
	for _, l := range b.lines {
		b.appraise(l)
	}
	if err := b.useItemCoupons(); err != nil {
		return nil, totals{}, err
	}
	if err := b.useCartCoupon(); err != nil {
		return nil, totals{}, err
	}
	for _, l := range b.lines {
		l.tax(b.shipTo != nil)
	}
	shipments, err := b.ship()
	if err != nil {
		return nil, totals{}, err
	}
	return shipments, b.sum(shipments), nil
}

// appraise finds what is wrong with a line, and its price.
func (b *basket) appraise(l *line) {
	wrong := func(code string) { l.errors = append(l.errors, problem{code}) }
	switch {
	case l.product == nil:
		wrong("no-product")
		return
	case l.variant == nil:
		wrong("no-variant")
		return
	}
	if l.product["available"] != true {
		wrong("not-available-product")
	}
	if l.variant["available"] != true {
		wrong("not-available-variant")
	}
	if stock, limited := l.variant["quantity"].(float64); limited {
		switch {
		case stock <= 0:
			wrong("sold-out-variant")
		case float64(l.quantity) > stock:
			wrong("exceeded-item-quantity")
		}
	}
	if l.product["type"] == "tangible" {
		methods, _ := lookup(l.product, "shipping", "methods").([]any)
		switch {
		case l.method == nil:
			wrong("shipping-method-required")
		case !slices.Contains(methods, any(*l.method)):
			wrong("not-supported-shipping-method")
		case b.policyOf(l) == nil:
			wrong("non-shippable-product")
		}
	}
	original, sale := amount(l.variant, "price", "original"), amount(l.variant, "price", "sale")
	l.price = amounts{Original: original * l.quantity, Sale: sale * l.quantity}
	if sale != original {
		kind, _ := lookup(l.variant, "discount", "type").(string)
		value, _ := lookup(l.variant, "discount", "value").(float64)
		l.discounts = append(l.discounts, discount{
			Type: kind, Value: value, Discounted: l.price.Original - l.price.Sale, Before: l.price.Original, After: l.price.Sale,
		})
	}
	if categories, _ := l.product["taxCategories"].([]any); len(categories) > 0 {
		if category, ok := categories[0].(string); ok {
			l.category, l.rate = &category, b.rates[category]
		}
	}
	b.appraiseBundle(l)
}

func (b *basket) appraiseBundle(l *line) {
	offered := map[string]bool{} // product, and whether it has to be taken
	for _, bundle := range objects(l.product["bundles"]) {
		required := bundle["required"] == true
		for _, item := range objects(bundle["items"]) {
			id, _ := item["product"].(string)
			offered[id] = required
		}
	}
	taken := map[string]bool{}
	for _, bundled := range l.bundle {
		b.appraise(bundled)
		required, ok := offered[bundled.productID]
		bundled.required = required
		taken[bundled.productID] = true
		switch {
		case !ok:
			bundled.errors = append(bundled.errors, problem{"no-bundle-item"})
		case required && bundled.quantity%max(l.quantity, 1) != 0:
			bundled.errors = append(bundled.errors, problem{"invalid-required-bundle-item-quantity"})
		}
		if len(bundled.errors) > 0 {
			l.errors = append(l.errors, bundled.errors...)
		}
	}
	for id, required := range offered {
		if required && !taken[id] {
			l.errors = append(l.errors, problem{"required-bundle-item-required"})
		}
	}
}

// reduce takes a coupon's discount off a line.
func (l *line) reduce(coupon, kind string, value float64, by int64) {
	by = min(by, l.price.Sale)
	l.discounts = append(l.discounts, discount{
		Coupon: &coupon, Type: kind, Value: value, Discounted: by, Before: l.price.Sale, After: l.price.Sale - by,
	})
	l.price.Sale -= by
}

func (l *line) tax(known bool) {
	for _, bundled := range l.bundle {
		bundled.tax(known)
	}
	if known {
		l.taxes = l.rate.split(&l.price)
	} else {
		l.taxes = (*rate)(nil).split(&l.price)
	}
	l.total = l.price
	for _, bundled := range l.bundle {
		l.total.add(bundled.total)
	}
}

// ordered tells whether the line counts: a line that no longer exists does not.
func (l *line) ordered() bool { return l.product != nil && l.variant != nil }

func (l *line) vendor() *string {
	if id, ok := l.product["vendor"].(string); ok {
		return &id
	}
	return nil
}

func (l *line) weight() float64 {
	each, _ := l.variant["weight"].(float64)
	return each * float64(l.quantity)
}

// policyOf is the policy a line is shipped under: of its vendor, its method and
// the country.
func (b *basket) policyOf(l *line) document {
	vendor := l.vendor()
	for _, policy := range b.policies {
		of, owned := policy["vendor"].(string)
		if owned != (vendor != nil) || owned && of != *vendor {
			continue
		}
		if l.method != nil && policy["method"] == *l.method && (b.shipTo == nil || policy["country"] == country(b.shipTo)) {
			return policy
		}
	}
	return nil
}

func country(address map[string]any) any {
	if object, ok := address["country"].(map[string]any); ok {
		return object["code"]
	}
	return address["country"]
}

// ship puts the lines into shipments and prices those. Before an address is
// known there are none.
func (b *basket) ship() ([]*shipment, error) {
	if b.shipTo == nil {
		return nil, nil
	}
	var shipments []*shipment
	rates := map[*shipment]*rate{}
	policies := map[*shipment]document{}
	for _, l := range b.lines {
		policy := document(nil)
		if l.ordered() && l.product["type"] == "tangible" {
			policy = b.policyOf(l)
		}
		if policy == nil {
			continue
		}
		kind, _ := lookup(l.product, "shipping", "calculation").(string)
		kind = cmp.Or(kind, "bundled")
		i := slices.IndexFunc(shipments, func(s *shipment) bool {
			return kind == "bundled" && s.Type == kind && s.Policy == policy.id()
		})
		if i < 0 {
			s := &shipment{ID: newID(), Type: kind, Policy: policy.id(), Vendor: l.vendor(), Discounts: []discount{}}
			shipments, i = append(shipments, s), len(shipments)
			policies[s] = policy
		}
		s := shipments[i]
		s.Items = append(s.Items, l.id)
		s.Quantity += l.quantity
		s.Rule.Criteria.Price += l.total.Sale
		s.Rule.Criteria.Weight += l.weight()
		if rates[s] == nil {
			rates[s] = l.rate
		}
	}
	for _, s := range shipments {
		s.price(policies[s], b.shipTo)
	}
	if err := b.useShippingCoupons(shipments); err != nil {
		return nil, err
	}
	for _, s := range shipments {
		s.Taxes = rates[s].split(&s.Fee)
		s.Taxed = s.Fee.WithTax - s.Fee.WithoutTax
		s.Discounted = s.Fee.Original - s.Fee.Sale
	}
	return shipments, nil
}

// price finds the policy's rule for the region and the weight.
func (s *shipment) price(policy document, to map[string]any) {
	rules := objects(policy["rules"])
	for _, region := range objects(policy["regions"]) {
		name, _ := ko(region["name"]).(string)
		state, _ := to["state"].(string)
		city, _ := to["city"].(string)
		if name != "" && (strings.HasPrefix(state, name) || strings.HasPrefix(city, name)) {
			rules = objects(region["rules"])
		}
	}
	found := false
	for _, rule := range rules {
		over, _ := rule["weightOver"].(float64)
		if over > s.Rule.Criteria.Weight || found && over < s.Rule.WeightOver {
			continue
		}
		found = true
		s.Rule.WeightOver = over
		s.Rule.Fee, _ = rule["fee"].(float64)
		s.Rule.Free.PriceOver = nil
		if free, ok := lookup(rule, "free", "priceOver").(float64); ok {
			s.Rule.Free.PriceOver = &free
		}
	}
	s.Free = s.Rule.Free.PriceOver != nil && float64(s.Rule.Criteria.Price) >= *s.Rule.Free.PriceOver
	if !s.Free {
		s.Fee = amounts{Original: int64(s.Rule.Fee), Sale: int64(s.Rule.Fee)}
	}
}

// sum adds the rounded lines and fees up, and each vendor's.
func (b *basket) sum(shipments []*shipment) totals {
	all := b.sumOf(nil, false, shipments)
	var vendors []string
	for _, l := range b.lines {
		if !l.ordered() {
			continue
		}
		if vendor := l.vendor(); vendor != nil && !slices.Contains(vendors, *vendor) {
			vendors = append(vendors, *vendor)
		}
	}
	all.Vendors = []totals{}
	for _, vendor := range vendors {
		all.Vendors = append(all.Vendors, b.sumOf(&vendor, true, shipments))
	}
	return all
}

func (b *basket) sumOf(vendor *string, only bool, shipments []*shipment) totals {
	t := totals{Vendor: vendor, Taxes: []keyedTax{}}
	counts := func(of *string) bool { return !only || of != nil && *of == *vendor }
	count := func(taxes []tax) {
		for _, tax := range taxes {
			key := "KR/" + tax.Name
			i := slices.IndexFunc(t.Taxes, func(k keyedTax) bool { return k.Key == key })
			if i < 0 {
				t.Taxes, i = append(t.Taxes, keyedTax{Key: key}), len(t.Taxes)
			}
			t.Taxes[i].Taxed += tax.Taxed
		}
	}
	for _, l := range b.lines {
		if !l.ordered() || !counts(l.vendor()) {
			continue
		}
		t.Items.Price.add(l.total)
		count(l.taxes)
		for _, bundled := range l.bundle {
			count(bundled.taxes)
		}
	}
	for _, s := range shipments {
		if counts(s.Vendor) {
			t.Shipping.Fee.add(s.Fee)
			count(s.Taxes)
		}
	}
	t.Items.Discounted, t.Items.Taxed = t.Items.Price.Original-t.Items.Price.Sale, t.Items.Price.WithTax-t.Items.Price.WithoutTax
	t.Shipping.Discounted, t.Shipping.Taxed = t.Shipping.Fee.Original-t.Shipping.Fee.Sale, t.Shipping.Fee.WithTax-t.Shipping.Fee.WithoutTax
	t.Price.add(t.Items.Price)
	t.Price.add(t.Shipping.Fee)
	t.Discounted, t.Taxed = t.Items.Discounted+t.Shipping.Discounted, t.Items.Taxed+t.Shipping.Taxed
	t.Amount = t.Price.WithTax
	return t
}

func lookup(d map[string]any, path ...string) any {
	var value any = d
	for _, name := range path {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[name]
	}
	return value
}

func amount(d map[string]any, path ...string) int64 {
	n, _ := lookup(d, path...).(float64)
	return int64(n)
}
