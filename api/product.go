package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"
	"golang.org/x/sync/errgroup"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/model"
)

func (a *api) productRoutes(r chi.Router) {
	r.Get("/product/collection", a.bareErrors(a.productsOfAny))
	r.Get("/product/collection/{collection_id}", a.bareErrors(a.productsOfCollection))
	r.Get("/product/about/{collection_id}", a.bareErrors(a.firstProducts))
	r.Get("/product/catalog/{discount_type}", a.bareErrors(a.discountedProducts))
	r.Post("/product/search", a.bareErrors(a.searchProducts))
	r.Get("/product/{product_id}", a.bareErrors(a.product))
}

// productRaw and policyRaw are what of a product and of a shipping policy is
// flattened (API contract, sections 14 and 8).
var (
	productRaw = rawAt("{totalReview,createdAt,updatedAt}", "price.{original,sale}", "discount.{discounted,value}",
		"rating.{count,sum,average}", "variants[].{price.*,discount.*,weight,width,height,depth,quantity}")
	policyRaw = rawAt("rules[].{weightOver,fee,free.priceOver}", "regions[].rules[].{weightOver,fee,free.priceOver}")
)

// shownProducts are products as every list shows them.
func shownProducts(list []json.RawMessage) ([]map[string]any, error) { return productRaw.all(list) }

func (a *api) productsOfAny(w http.ResponseWriter, r *http.Request) error {
	return a.productPage(w, r, "any")
}

func (a *api) productsOfCollection(w http.ResponseWriter, r *http.Request) error {
	return a.productPage(w, r, chi.URLParam(r, "collection_id"))
}

func (a *api) productPage(w http.ResponseWriter, r *http.Request, collection string) error {
	page, err := page(r)
	if err != nil {
		return err
	}
	key := "products/" + collection + "/" + strconv.Itoa(page)
	return a.public(w, r, key, func(ctx context.Context) (any, error) {
		list, err := a.Clayful.ProductPage(ctx, forSale(collection), page)
		if err != nil {
			return nil, err
		}
		return shownProducts(list)
	})
}

func forSale(collection string) url.Values {
	return url.Values{"collection": {collection}, "available": {"true"}}
}

// about is how many products a collection's glance shows.
const about = 10

func (a *api) firstProducts(w http.ResponseWriter, r *http.Request) error {
	collection := chi.URLParam(r, "collection_id")
	return a.public(w, r, "about/"+collection, func(ctx context.Context) (any, error) {
		list, err := a.Clayful.ProductPage(ctx, forSale(collection), 1)
		if err != nil {
			return nil, err
		}
		return shownProducts(list[:min(about, len(list))])
	})
}

func (a *api) searchProducts(w http.ResponseWriter, r *http.Request) error {
	page, err := page(r)
	if err != nil {
		return err
	}
	var body struct {
		Search string `json:"search"`
	}
	if err := decode(r, &body); err != nil {
		return err
	}
	words := strings.TrimSpace(body.Search)
	const longest = 100 // characters of a name
	if words == "" || len([]rune(words)) > longest {
		return bad("search is empty or too long")
	}
	return a.public(w, r, "search/"+strconv.Itoa(page)+"/"+words, func(ctx context.Context) (any, error) {
		list, err := a.Clayful.ProductPage(ctx, url.Values{"q": {words}, "search": {"name.ko"}, "searchMatch": {"partial"}}, page)
		if err != nil {
			return nil, err
		}
		return shownProducts(list)
	})
}

// discountedProducts are products by the kind and the size of their discount.
// The shop's filter is not relied upon: what does not fit is left out before
// the pages are cut.
func (a *api) discountedProducts(w http.ResponseWriter, r *http.Request) error {
	page, err := page(r)
	if err != nil {
		return err
	}
	discount, err := discountRange(r)
	if err != nil {
		return err
	}
	key := "discount/" + discount.query().Encode() + "/" + strconv.Itoa(page)
	return a.public(w, r, key, func(ctx context.Context) (any, error) {
		list, err := a.discounted(ctx, discount, page)
		if err != nil {
			return nil, err
		}
		return shownProducts(list)
	})
}

// discounts are what hot deals are chosen by. Max is nil when there is no end.
type discounts struct {
	kind string
	min  float64
	max  *float64
}

func discountRange(r *http.Request) (discounts, error) {
	d := discounts{kind: chi.URLParam(r, "discount_type")}
	if d.kind != "fixed" && d.kind != "percentage" {
		return d, bad("discount_type is neither fixed nor percentage")
	}
	if d.kind == "percentage" {
		hundred := 100.0
		d.max = &hundred
	}
	for name, set := range map[string]func(float64){"min": func(n float64) { d.min = n }, "max": func(n float64) { d.max = &n }} {
		text := r.URL.Query().Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || n != n || n > 1e15 || n < -1e15 {
			return d, bad(name + " is no number")
		}
		set(n)
	}
	return d, nil
}

func (d discounts) query() url.Values {
	query := forSale("any")
	query.Set("discountType", d.kind)
	query.Set("discountValueMin", strconv.FormatFloat(d.min, 'f', -1, 64))
	if d.max != nil {
		query.Set("discountValueMax", strconv.FormatFloat(*d.max, 'f', -1, 64))
	}
	return query
}

func (d discounts) fits(product json.RawMessage) bool {
	var p struct {
		Discount struct {
			Type  string      `json:"type"`
			Value clayful.Num `json:"value"`
		} `json:"discount"`
	}
	if err := json.Unmarshal(product, &p); err != nil || p.Discount.Type != d.kind {
		return false
	}
	value := float64(p.Discount.Value)
	return value >= d.min && (d.max == nil || value <= *d.max)
}

// mostPages is how many of the shop's pages are read at most for one of ours.
const mostPages = 3

// discounted is one page of the products that fit. While all that the shop sends
// fits, it filters as asked, and its pages are ours; else its first pages are
// cut anew.
func (a *api) discounted(ctx context.Context, d discounts, page int) ([]json.RawMessage, error) {
	first := [mostPages]int{1, 2, 3}
	read := append(slices.Clone(first[:min(page, mostPages)-1]), page)
	pages, err := a.discountPages(ctx, d, read)
	if err != nil {
		return nil, err
	}
	all, asked := slices.Concat(pages...), pages[len(pages)-1]
	fitting := fit(all, d)
	switch {
	case len(fitting) == len(all):
		return asked, nil
	case page > mostPages: // nobody can tell how many lie before
		return []json.RawMessage{}, nil
	case len(asked) == pageSize: // there may be more
		rest, err := a.discountPages(ctx, d, first[page:])
		if err != nil {
			return nil, err
		}
		fitting = append(fitting, fit(slices.Concat(rest...), d)...)
	}
	return paged(fitting, page), nil
}

// discountPages are pages of the shop's, read side by side.
func (a *api) discountPages(ctx context.Context, d discounts, numbers []int) ([][]json.RawMessage, error) {
	pages := make([][]json.RawMessage, len(numbers))
	group, ctx := errgroup.WithContext(ctx)
	for i, number := range numbers {
		group.Go(func() (err error) {
			pages[i], err = a.Clayful.ProductPage(ctx, d.query(), number)
			return err
		})
	}
	return pages, group.Wait()
}

func fit(list []json.RawMessage, d discounts) []json.RawMessage {
	fitting := []json.RawMessage{}
	for _, product := range list {
		if d.fits(product) {
			fitting = append(fitting, product)
		}
	}
	return fitting
}

// product is one product, with the broadcasts that sold it and how its vendor
// ships.
func (a *api) product(w http.ResponseWriter, r *http.Request) error {
	id := chi.URLParam(r, "product_id")
	return a.public(w, r, "product/"+id, func(ctx context.Context) (any, error) {
		var product map[string]any
		var policies []map[string]any
		group, both := errgroup.WithContext(ctx)
		group.Go(func() error {
			raw, err := a.Clayful.Product(both, id)
			if err != nil {
				return err
			}
			product, err = parse(raw)
			return err
		})
		group.Go(func() (err error) {
			policies, err = a.policies(both)
			return err
		})
		if err := group.Wait(); err != nil {
			return nil, err
		}
		vods, err := a.Store.OfProduct(ctx, vodIDs(product))
		if err != nil {
			return nil, err
		}
		productRaw.apply(product)
		product["vod_list"] = soldIn(vods)
		shipping := object(product, "shipping")
		if shipping == nil {
			shipping = map[string]any{}
			product["shipping"] = shipping
		}
		shipping["method"] = nil
		if methods, ok := shipping["methods"].([]any); ok && len(methods) > 0 {
			shipping["method"] = methods[0]
		}
		delete(shipping, "methods")
		product["ShippingPolicy"] = nil
		if policy := policyOf(policies, idOf(product["vendor"])); policy != nil {
			product["ShippingPolicy"] = rawAt("{createdAt,updatedAt}").apply(policyRaw.apply(policy))
		}
		return product, nil
	})
}

// vodIDs are the broadcasts a product was sold in. Elements that are none are
// skipped.
func vodIDs(product map[string]any) []int64 {
	ids := []int64{}
	list, _ := object(product, "meta")["my_vod"].([]any)
	for _, element := range list {
		text, _ := element.(string)
		if id, err := strconv.ParseInt(text, 10, 64); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// soldMedia is a broadcast as a product shows it: whole, less Mux's own ids.
type soldMedia struct {
	clientMedia

	ProductList *string `json:"product_list"`
	UpdatedAt   string  `json:"updated_at"`
	FinishedAt  *string `json:"finished_at"`
}

func soldIn(list []model.Broadcast) []soldMedia {
	views := make([]soldMedia, len(list))
	for i, b := range list {
		full := fullView(b)
		views[i] = soldMedia{clientMedia: full.clientMedia, ProductList: full.ProductList, UpdatedAt: full.UpdatedAt, FinishedAt: full.FinishedAt}
	}
	return views
}

// policies are the shop's shipping policies, remembered like every public read.
func (a *api) policies(ctx context.Context) ([]map[string]any, error) {
	body, _, err := a.catalogue.get(ctx, "policies", func(ctx context.Context) (any, error) { return a.Clayful.ShippingPolicies(ctx) })
	if err != nil {
		return nil, err
	}
	var list []json.RawMessage
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, err
	}
	return flattener{}.all(list)
}

// policyOf is the first policy of a vendor, or, of none, of the shop itself.
func policyOf(policies []map[string]any, vendor string) map[string]any {
	for _, policy := range policies {
		if idOf(policy["vendor"]) == vendor {
			return policy
		}
	}
	return nil
}
