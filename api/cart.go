package api

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"
	"golang.org/x/sync/errgroup"

	"github.com/byeolshow/byeolshow/clients/clayful"
)

func (a *api) cartRoutes(r chi.Router) {
	r.Group(func(r chi.Router) {
		r.Use(a.login)
		r.Post("/cart", a.bareErrors(a.cart))
		r.Delete("/cart", a.bareErrors(a.emptyCart))
		r.Post("/cart/items", a.bareErrors(a.addToCart))
		r.Put("/cart/items", a.bareErrors(a.changeCart))
		r.Delete("/cart/items", a.bareErrors(a.removeFromCart))
		r.Post("/cart/checkout", a.bareErrors(a.checkout))
		r.Put("/cart/checkout", a.bareErrors(a.checkout))
	})
}

// cartItemRaw is what of a cart's line is flattened.
var cartItemRaw = rawAt("{addedAt,quantity,discounted,taxed}",
	"variant.{price.original,price.sale,discount.discounted,discount.value,weight,width,height,depth}",
	"discounts[].{discounted,value,before,after}", "price.{original,sale,withTax,withoutTax}", "total.{price.*,discounted,taxed}")

// house is the vendor of what has none.
const house = "byeolshow"

// cartPayload is what the shop's cart takes, bare or under payload.
func cartPayload(r *http.Request) (map[string]json.RawMessage, error) {
	body := map[string]json.RawMessage{}
	if r.ContentLength == 0 {
		return body, nil
	}
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	if inner, ok := body["payload"]; ok {
		body = map[string]json.RawMessage{}
		if err := json.Unmarshal(inner, &body); err != nil || body == nil {
			return nil, bad("payload is no object")
		}
	}
	payload := map[string]json.RawMessage{}
	for _, field := range []string{"address", "discount"} {
		if value, ok := body[field]; ok {
			payload[field] = value
		}
	}
	return payload, nil
}

// cart is the caller's cart by vendor, each with how it ships.
func (a *api) cart(w http.ResponseWriter, r *http.Request) error {
	payload, err := cartPayload(r)
	if err != nil {
		return err
	}
	raw, err := a.Clayful.Cart(r.Context(), caller(r).Token, payload)
	if err != nil {
		return err
	}
	answer, err := parse(raw)
	if err != nil {
		return err
	}
	cart := object(answer, "cart")
	items := objects(cart["items"])
	var ids []string
	for _, item := range items {
		if id := idOf(item["product"]); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	var products map[string]map[string]any
	var policies []map[string]any
	group, ctx := errgroup.WithContext(r.Context())
	group.Go(func() (err error) {
		products, err = a.productDocuments(ctx, ids)
		return err
	})
	group.Go(func() (err error) {
		policies, err = a.policies(ctx)
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	for _, item := range items {
		describe(item, products[idOf(item["product"])])
	}
	return bare(w, http.StatusOK, map[string]any{"cart": byVendor(items, policies), "total": flattenAll(cart["total"])})
}

// describe adds to a line what the app asks of its product.
func describe(item, product map[string]any) {
	item["stock"], item["calculation"], item["IsDomestic"] = nil, nil, nil
	if product != nil {
		item["calculation"] = object(product, "shipping")["calculation"]
		item["IsDomestic"] = object(product, "meta")["IsDomestic"]
		for _, variant := range objects(product["variants"]) {
			if stock, ok := number(variant["quantity"]); ok && idOf(variant) == idOf(item["variant"]) {
				item["stock"] = stock
			}
		}
	}
	cartItemRaw.apply(item)
	stock, limited := item["stock"].(json.Number)
	quantity, ok := item["quantity"].(json.Number)
	if !limited || !ok {
		return
	}
	left, leftErr := stock.Float64()
	wanted, wantedErr := quantity.Float64()
	if leftErr == nil && wantedErr == nil && wanted > left {
		item["quantity"] = stock
	}
}

// cartGroup is one vendor's part of a cart.
type cartGroup struct {
	Vendor any              `json:"vendor"`
	Items  []map[string]any `json:"items"`
	Policy map[string]any   `json:"ShippingPolicy,omitempty"`
}

func byVendor(items, policies []map[string]any) []*cartGroup {
	groups, places := []*cartGroup{}, map[string]*cartGroup{}
	for _, item := range items {
		id := idOf(item["vendor"])
		group, known := places[id]
		if !known {
			group = &cartGroup{Vendor: item["vendor"]}
			if id == "" {
				group.Vendor = house
			}
			if policy := policyOf(policies, id); policy != nil {
				policyRaw.apply(policy)
				group.Policy = map[string]any{}
				for _, field := range []string{"method", "country", "rules", "regions", "vendor"} {
					group.Policy[field] = policy[field]
				}
			}
			groups, places[id] = append(groups, group), group
		}
		group.Items = append(group.Items, item)
	}
	return groups
}

func (a *api) emptyCart(w http.ResponseWriter, r *http.Request) error {
	if err := a.Clayful.EmptyCart(r.Context(), caller(r).Token); err != nil {
		return err
	}
	return bare(w, http.StatusOK, "장바구니를 비웠습니다")
}

// removeFromCart takes lines out, the first error ends it.
func (a *api) removeFromCart(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		IDs []string `json:"item_ids"`
	}
	if err := decode(r, &body); err != nil {
		return err
	}
	if len(body.IDs) == 0 || slices.Contains(body.IDs, "") {
		return bad("item_ids is missing or holds an empty id")
	}
	for _, id := range body.IDs {
		if err := a.Clayful.DeleteCartItem(r.Context(), caller(r).Token, id); err != nil {
			return err
		}
	}
	return bare(w, http.StatusOK, "삭제되었습니다")
}

// changeCart changes lines in order, the first error ends it.
func (a *api) changeCart(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Payloads []struct {
			ItemID  string          `json:"item_id"`
			Payload json.RawMessage `json:"payload"`
		} `json:"payloads"`
	}
	if err := decode(r, &body); err != nil {
		return err
	}
	if len(body.Payloads) == 0 {
		return bad("payloads is missing")
	}
	for _, change := range body.Payloads {
		if change.ItemID == "" || !isObject(change.Payload) {
			return bad("a payload names no item_id or is no object")
		}
	}
	results := make([]clayful.Raw, 0, len(body.Payloads))
	for _, change := range body.Payloads {
		result, err := a.Clayful.UpdateCartItem(r.Context(), caller(r).Token, change.ItemID, change.Payload)
		if err != nil {
			return err
		}
		results = append(results, result)
	}
	return bare(w, http.StatusOK, results)
}

func isObject(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '{' }

// cartLine is what a line has to name; the rest is the shop's.
type cartLine struct {
	Product string `json:"product"`
	Variant string `json:"variant"`
}

// addToCart adds lines. A variant that is in the cart already gets the new
// quantity instead of a second line. Each ships by its product's first method.
func (a *api) addToCart(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Payloads []struct {
			Payload map[string]any `json:"payload"`
		} `json:"payloads"`
	}
	if err := decode(r, &body); err != nil {
		return err
	}
	if len(body.Payloads) == 0 {
		return bad("payloads is missing")
	}
	var ids []string
	for _, add := range body.Payloads {
		product, _ := add.Payload["product"].(string)
		if variant, _ := add.Payload["variant"].(string); product == "" || variant == "" {
			return bad("a payload names no product or no variant")
		}
		if !slices.Contains(ids, product) {
			ids = append(ids, product)
		}
	}
	token := caller(r).Token
	var present map[cartLine]string
	var methods map[string]any
	group, ctx := errgroup.WithContext(r.Context())
	group.Go(func() (err error) {
		present, err = a.linesOf(ctx, token)
		return err
	})
	group.Go(func() (err error) {
		methods, err = a.firstMethods(ctx, ids)
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	results := make([]clayful.Raw, 0, len(body.Payloads))
	for _, add := range body.Payloads {
		line := cartLine{add.Payload["product"].(string), add.Payload["variant"].(string)} //nolint:errcheck // checked
		add.Payload["shippingMethod"] = methods[line.Product]
		result, err := a.put(r, token, present[line], add.Payload)
		if err != nil {
			return err
		}
		var made struct {
			ID string `json:"_id"`
		}
		if json.Unmarshal(result, &made) == nil && made.ID != "" {
			present[line] = made.ID
		}
		results = append(results, result)
	}
	return bare(w, http.StatusOK, results)
}

func (a *api) put(r *http.Request, token, line string, payload map[string]any) (clayful.Raw, error) {
	if line != "" {
		return a.Clayful.UpdateCartItem(r.Context(), token, line, payload)
	}
	return a.Clayful.AddCartItem(r.Context(), token, payload)
}
