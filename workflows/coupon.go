package workflows

import (
	"encoding/json"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/byeolshow/byeolshow/activities"
)

// CouponID is the workflow id of a coupon's issue:
// coupon/<customer>/<coupon_id>.
func CouponID(customerID, couponID string) string { return "coupon/" + customerID + "/" + couponID }

// TypeCoupon is the name of the Coupon workflow.
const TypeCoupon = "Coupon"

// CouponInput names a coupon and who is to have it.
type CouponInput = activities.Issue

// giving is how long one try to give a coupon lasts. It is shorter than the
// shop may take to act, so that a worker that wakes up late asks no more.
const giving = 8 * time.Second

// Coupon gives a customer a coupon, and answers what the shop said. A shop that
// does not answer is not asked again: the customer's list is looked at until it
// tells. It ends with a refusal when the customer was not given the coupon.
func Coupon(ctx workflow.Context, in CouponInput) (json.RawMessage, error) {
	var steps *activities.Activities
	book := journal{
		progress: &Progress{},
		headline: func() string { return "Coupon " + in.CouponID + " for customer " + in.CustomerID },
		heard:    new(int),
	}
	book.waitingFor(ctx, "Giving the coupon")
	var answer json.RawMessage
	err := workflow.ExecuteLocalActivity(quickly(ctx, "Give the coupon", giving, 1), steps.GiveCoupon, in).Get(ctx, &answer)
	if err != nil && RefusalOf(err) == nil {
		book.waitingFor(ctx, "The shop did not answer: looking whether it gave the coupon")
		err = book.find(ctx, "Look whether the customer has the coupon", steps.SettleIssue, in, &answer)
	}
	if err != nil {
		return nil, refused(err)
	}
	book.waitingFor(ctx, "Over: the customer has it")
	return answer, nil
}
