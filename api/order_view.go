package api

import (
	"cmp"
	"context"
	"slices"

	"golang.org/x/sync/errgroup"
)

// complete flattens orders, and joins what the app counts on where the shop
// gives ids alone.
func (a *api) complete(ctx context.Context, orders []map[string]any) error {
	var missing, reviews []string
	for _, order := range orders {
		for _, item := range objects(order["items"]) {
			id := idOf(item["product"])
			if id != "" && bareIDs(item, "product", "vendor", "variant") && !slices.Contains(missing, id) {
				missing = append(missing, id)
			}
		}
		reviews = append(reviews, unknownReviews(order)...)
	}
	var products map[string]map[string]any
	var reviewed map[string]string
	group, both := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		products, err = a.productDocuments(both, missing)
		return err
	})
	group.Go(func() (err error) {
		if reviewed, err = a.Clayful.ReviewedProducts(ctx, reviews); err != nil { // which breaks no list
			a.Logger.WarnContext(ctx, "reviews of orders could not be read", "error", err)
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return err
	}
	for _, order := range orders {
		completeOrder(order, products, reviewed)
		orderRaw.apply(order)
	}
	return nil
}

// bareIDs tells whether one of the fields is an id alone.
func bareIDs(item map[string]any, fields ...string) bool {
	return slices.ContainsFunc(fields, func(field string) bool {
		_, isID := item[field].(string)
		return isID
	})
}

func completeOrder(order map[string]any, products map[string]map[string]any, reviewed map[string]string) {
	completeReviews(order, reviewed)
	for _, list := range []string{"refunds", "fulfillments", "transactions", "items", "shipments"} {
		if _, ok := order[list].([]any); !ok {
			order[list] = []any{}
		}
	}
	if object(order, "meta") == nil {
		order["meta"] = map[string]any{}
	}
	if len(objects(order["transactions"])) == 0 {
		order["transactions"] = []any{map[string]any{"paid": 0, "cancelled": 0, "refunded": 0}}
	}
	for _, transaction := range objects(order["transactions"]) {
		if _, ok := transaction["vbanks"].([]any); !ok {
			transaction["vbanks"] = []any{}
		}
	}
	items := map[string]map[string]any{}
	for _, item := range objects(order["items"]) {
		items[idOf(item)] = item
		completeItem(item, products[idOf(item["product"])])
	}
	for _, shipment := range objects(order["shipments"]) {
		completeShipment(shipment)
	}
	for _, refund := range objects(order["refunds"]) {
		for _, back := range objects(refund["items"]) {
			completeRefundItem(back, items[idOf(back["item"])])
		}
	}
}

// completeItem names the product and the options of an item's variant.
func completeItem(item, product map[string]any) {
	if _, isObject := item["product"].(map[string]any); !isObject {
		id := idOf(item["product"])
		item["product"] = map[string]any{"_id": id, "name": product["name"], "thumbnail": product["thumbnail"]}
		if product == nil {
			item["product"] = map[string]any{"_id": id, "name": nil, "thumbnail": map[string]any{"_id": nil, "url": nil}}
		}
	}
	if id, isID := item["vendor"].(string); isID {
		vendor := map[string]any{"_id": id, "name": nil}
		if idOf(product["vendor"]) == id && object(product, "vendor") != nil {
			vendor = object(product, "vendor")
		}
		item["vendor"] = vendor
	}
	variant, isObject := item["variant"].(map[string]any)
	if !isObject {
		id := idOf(item["variant"])
		variant = map[string]any{"_id": id, "types": []any{}}
		for _, known := range objects(product["variants"]) {
			if idOf(known) == id {
				variant = known
			}
		}
		item["variant"] = variant
	}
	if _, ok := variant["types"].([]any); !ok {
		variant["types"] = []any{}
	}
}

// completeShipment has its items as objects and its vendor, too.
func completeShipment(shipment map[string]any) {
	list, _ := shipment["items"].([]any)
	for i, item := range list {
		if id, isID := item.(string); isID {
			list[i] = map[string]any{"_id": id}
		}
	}
	if id, isID := shipment["vendor"].(string); isID {
		shipment["vendor"] = map[string]any{"_id": id}
	}
}

// completeRefundItem shows what is given back as the order's item does.
func completeRefundItem(back, item map[string]any) {
	shown, isObject := back["item"].(map[string]any)
	if !isObject {
		shown = map[string]any{"_id": idOf(back["item"])}
		back["item"] = shown
	}
	if item == nil {
		return
	}
	product := object(item, "product")
	variant := object(item, "variant")
	if object(shown, "product") == nil {
		shown["product"] = map[string]any{"_id": product["_id"], "name": product["name"], "thumbnail": product["thumbnail"]}
	}
	if object(shown, "variant") == nil {
		shown["variant"] = map[string]any{
			"types": variant["types"], "price": map[string]any{"sale": object(variant, "price")["sale"]},
		}
	}
}

// unknownReviews are the reviews of which the order tells no product.
func unknownReviews(order map[string]any) []string {
	var unknown []string
	list, _ := order["reviews"].([]any)
	for _, review := range list {
		if id := idOf(review); id != "" && idOf(object(review)["product"]) == "" {
			unknown = append(unknown, id)
		}
	}
	return unknown
}

// completeReviews names the product of each review that is published; an odd
// one is passed over.
func completeReviews(order map[string]any, reviewed map[string]string) {
	reviews := []any{}
	list, _ := order["reviews"].([]any)
	for _, element := range list {
		id := idOf(element)
		review := object(element)
		switch {
		case review == nil && id == "":
			continue
		case review == nil:
			review = map[string]any{"_id": id}
		}
		product := cmp.Or(idOf(review["product"]), reviewed[id])
		review["product"] = product
		if product == "" {
			review["product"] = nil
		}
		reviews = append(reviews, review)
	}
	order["reviews"] = reviews
}
