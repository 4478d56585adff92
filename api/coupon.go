package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/workflows"
)

func (a *api) couponRoutes(r chi.Router) {
	rarely := a.limit(a.Limits.CouponPerMinute, time.Minute, perCustomer)
	for _, path := range []string{"/coupon", "/coupon/add"} {
		r.With(a.login, rarely).Post(path, a.bareErrors(a.issueCoupon))
		r.With(a.login).Get(path, a.bareErrors(codesOnly(a.ownCoupons)))
		r.With(a.login).Delete(path, a.bareErrors(codesOnly(a.deleteCoupons)))
	}
	r.With(a.optional).Get("/coupon/manager", a.bareErrors(a.shopCoupons))
}

// ownCouponRaw and shopCouponRaw are what of a coupon is flattened (API
// contract, section 11).
var (
	ownCouponRaw  = rawAt("expiresAt")
	shopCouponRaw = rawAt("{expiresAt,createdAt,updatedAt}", "discount.{value,min,max}", "amount.*", "price.*")
)

var errIssued = &refusal{Status: http.StatusConflict, Code: "issued-coupon", Message: "이미 발급받은 쿠폰입니다"}

// issueCoupon gives the caller a coupon, once for ever. Its workflow runs once
// at a time; who comes while it runs learns how it ended.
func (a *api) issueCoupon(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Coupon string `json:"coupon"`
	}
	if err := payloadOf(r, &in); err != nil {
		return err
	}
	if !plainID.MatchString(in.Coupon) {
		return bad("payload.coupon is missing or no id")
	}
	issue := workflows.CouponInput{CustomerID: caller(r).ID, CouponID: in.Coupon}
	switch before, _, err := a.Store.CouponIssue(r.Context(), issue.CustomerID, issue.CouponID); {
	case err != nil:
		return err
	case before.Issued:
		return errIssued
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerWait)
	defer cancel()
	id := workflows.CouponID(issue.CustomerID, issue.CouponID)
	run, err := a.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                                       id,
		TaskQueue:                                workflows.QueueOrders,
		WorkflowTaskTimeout:                      workflows.TaskTimeout,
		WorkflowIDConflictPolicy:                 enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            "Coupon " + issue.CouponID + " for customer " + issue.CustomerID,
		TypedSearchAttributes:                    temporal.NewSearchAttributes(workflows.AttributeCustomer.ValueSet(issue.CustomerID)),
	}, workflows.TypeCoupon, issue)
	var running *serviceerror.WorkflowExecutionAlreadyStarted
	twin := errors.As(err, &running)
	if twin {
		run, err = a.Temporal.GetWorkflow(ctx, id, ""), nil
	}
	if err != nil {
		return err
	}
	var answer json.RawMessage
	err = run.Get(ctx, &answer)
	refused := workflows.RefusalOf(err)
	switch {
	case err == nil && twin, refused != nil && refused.Code == model.CodeIssued:
		return errIssued
	case err != nil:
		return shopRefusal(ctx, err)
	}
	write(w, http.StatusOK, answer)
	return nil
}

// ownCoupons is a page of the caller's coupons, less the expired ones, which
// are left out before the pages are cut.
func (a *api) ownCoupons(w http.ResponseWriter, r *http.Request) error {
	page, err := page(r)
	if err != nil {
		return err
	}
	list, err := a.heldCoupons(r)
	if err != nil {
		return err
	}
	shown, err := ownCouponRaw.all(a.unexpired(list, page))
	if err != nil {
		return err
	}
	return bare(w, http.StatusOK, shown)
}

// heldCoupons are all coupons in the caller's list. They are noted as issued,
// so that none leaves the list without having been.
func (a *api) heldCoupons(r *http.Request) ([]clayful.Coupon, error) {
	list, err := a.Clayful.OwnCoupons(r.Context(), caller(r).Token)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(list))
	for i, coupon := range list {
		ids[i] = coupon.ID
	}
	return list, a.Store.RecordIssued(r.Context(), caller(r).ID, ids...)
}

// unexpired is a page of those of the coupons that have not expired.
func (a *api) unexpired(list []clayful.Coupon, page int) []json.RawMessage {
	documents := []json.RawMessage{}
	for _, coupon := range list {
		if !coupon.Expired(a.Now()) {
			documents = append(documents, coupon.Whole)
		}
	}
	return paged(documents, page)
}

// mostCoupons are how many coupons are deleted at once.
const mostCoupons = 120

// deleteCoupons takes coupons out of the caller's list, all or, when one never
// was in it, none.
func (a *api) deleteCoupons(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		IDs []string `json:"coupon_ids"`
	}
	if err := decode(r, &body); err != nil {
		return err
	}
	slices.Sort(body.IDs)
	ids := slices.Compact(body.IDs)
	if len(ids) == 0 || len(ids) > mostCoupons {
		return bad("coupon_ids is empty or too long")
	}
	list, err := a.heldCoupons(r)
	if err != nil {
		return err
	}
	held, missing := split(ids, list)
	for _, id := range missing { // what was issued and is gone has been deleted, perhaps by a request that failed half-way
		switch issue, _, err := a.Store.CouponIssue(r.Context(), caller(r).ID, id); {
		case err != nil:
			return err
		case !issue.Issued:
			return errNotHeld
		}
	}
	for _, id := range held {
		if err := a.Clayful.DeleteOwnCoupon(r.Context(), caller(r).Token, id); err != nil {
			return err
		}
	}
	return bare(w, http.StatusOK, "쿠폰 "+strconv.Itoa(len(ids))+"개가 삭제되었습니다")
}

var errNotHeld = &refusal{Status: http.StatusBadRequest, Code: "not-existing-coupon", Message: "보유하지 않은 쿠폰입니다"}

// split are those of the coupons that are in a list, and those that are not.
func split(ids []string, list []clayful.Coupon) (held, missing []string) {
	for _, id := range ids {
		if slices.ContainsFunc(list, func(c clayful.Coupon) bool { return c.ID == id }) {
			held = append(held, id)
		} else {
			missing = append(missing, id)
		}
	}
	return held, missing
}

// requireSettled lets a checkout use coupons. One of which it is not known
// whether it was given may be used once the caller's list shows it: else it
// would seem never to have been there.
func (a *api) requireSettled(r *http.Request, payload map[string]any) error {
	ids := couponsOf(payload)
	if len(ids) == 0 {
		return nil
	}
	pending, err := a.Store.PendingIssues(r.Context(), caller(r).ID, ids)
	if err != nil || len(pending) == 0 {
		return err
	}
	list, err := a.heldCoupons(r)
	if err != nil {
		return err
	}
	if _, missing := split(pending, list); len(missing) > 0 {
		return errNotHeld
	}
	return nil
}

// couponsOf are the coupons a checkout names.
func couponsOf(payload map[string]any) []string {
	discount := object(payload, "discount")
	named := []any{object(discount, "cart")["coupon"]}
	for _, part := range append(objects(discount["items"]), objects(discount["shipping"])...) {
		named = append(named, part["coupon"])
	}
	return texts(named)
}

// shopCoupons is a page of the shop's coupons that have not expired, and
// whether the caller has been given each.
func (a *api) shopCoupons(w http.ResponseWriter, r *http.Request) error {
	page, err := page(r)
	if err != nil {
		return err
	}
	body, _, err := a.catalogue.get(r.Context(), "coupons", func(ctx context.Context) (any, error) {
		all, err := a.Clayful.Coupons(ctx)
		documents := make([]json.RawMessage, len(all))
		for i, coupon := range all {
			documents[i] = coupon.Whole
		}
		return documents, err
	})
	if err != nil {
		return err
	}
	var all []clayful.Coupon
	if err := json.Unmarshal(body, &all); err != nil {
		return err
	}
	shown, err := shopCouponRaw.all(a.unexpired(all, page))
	if err != nil {
		return err
	}
	issued := map[string]bool{}
	if me := caller(r); me != nil {
		if issued, err = a.Store.IssuedCoupons(r.Context(), me.ID); err != nil {
			return err
		}
	}
	for _, coupon := range shown {
		coupon["Issued"] = issued[idOf(coupon)]
	}
	return bare(w, http.StatusOK, shown)
}
