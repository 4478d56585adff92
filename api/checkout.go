package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/workflows"
)

// twinWait is how long a twin of a running checkout waits for its answer.
const twinWait = 10 * time.Second

// errTwin is the answer to a twin that waited in vain.
var errTwin = &refusal{Status: http.StatusConflict, Code: "checkout-in-progress", Message: "주문을 처리하고 있습니다. 잠시 후 다시 확인해 주세요"}

// checkout makes one order of the caller's cart, or of the items given, however
// often it is sent: its workflow runs once under its key, and every caller gets
// the first answer.
func (a *api) checkout(w http.ResponseWriter, r *http.Request) error {
	payload, err := checkoutPayload(r)
	if err != nil {
		return err
	}
	if err := a.requireSettled(r, payload); err != nil {
		return err
	}
	in := workflows.CheckoutInput{CustomerID: caller(r).ID, Fingerprint: fingerprint(payload)}
	if in.Key, err = keyOf(r); err != nil {
		return err
	}
	if in.Key == "" {
		var earlier string
		if in.Key, earlier, err = a.tapKey(r, payload, in.Fingerprint); err != nil {
			return err
		}
		if earlier != "" {
			return a.answerOf(w, r, workflows.CheckoutID(in.CustomerID, earlier), in.Fingerprint)
		}
	}
	meta, _ := payload["meta"].(map[string]any)
	if meta == nil {
		meta = map[string]any{}
		payload["meta"] = meta
	}
	meta[model.CheckoutKey] = in.Key
	if in.Payload, err = json.Marshal(payload); err != nil {
		return err
	}
	return a.runCheckout(w, r, in)
}

func (a *api) runCheckout(w http.ResponseWriter, r *http.Request, in workflows.CheckoutInput) error {
	ctx, cancel := context.WithTimeout(r.Context(), answerWait)
	defer cancel()
	run, err := a.Temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       workflows.CheckoutID(in.CustomerID, in.Key),
		TaskQueue:                workflows.QueueOrders,
		WorkflowTaskTimeout:      workflows.TaskTimeout,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
		// A refusal frees the key, an order keeps it.
		WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
		StaticSummary:                            "Checkout of customer " + in.CustomerID,
		TypedSearchAttributes:                    in.Attributes(),
	}, workflows.TypeCheckout, in)
	var running *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &running) {
		return a.answerOf(w, r, workflows.CheckoutID(in.CustomerID, in.Key), in.Fingerprint)
	}
	if err != nil {
		return err
	}
	var result workflows.CheckoutResult
	if err := run.Get(ctx, &result); err != nil {
		return shopRefusal(ctx, err)
	}
	return a.showCheckout(w, result)
}

// answerOf is the answer of a checkout that somebody else started.
func (a *api) answerOf(w http.ResponseWriter, r *http.Request, id, fingerprint string) error {
	ctx, cancel := context.WithTimeout(r.Context(), twinWait)
	defer cancel()
	var result workflows.CheckoutResult
	err := a.Temporal.GetWorkflow(ctx, id, "").Get(ctx, &result)
	switch {
	case err != nil && ctx.Err() != nil:
		return errors.Join(errTwin, err)
	case err != nil:
		return shopRefusal(ctx, err)
	case result.Fingerprint != fingerprint:
		return &refusal{Status: http.StatusConflict, Code: "idempotency-conflict", Message: "같은 Idempotency-Key로 다른 주문이 요청되었습니다"}
	}
	return a.showCheckout(w, result)
}

// shopRefusal sorts how a workflow ended that was to have the shop do something.
func shopRefusal(ctx context.Context, err error) error {
	refused := workflows.RefusalOf(err)
	switch {
	case refused != nil && refused.Code == model.CodeNoUpstream, refused == nil && ctx.Err() != nil:
		return errors.Join(errTryLater, err)
	case refused != nil:
		return &clayful.Error{Status: refused.Status, Code: string(refused.Code), Message: refused.Detail}
	}
	return err
}

func (a *api) showCheckout(w http.ResponseWriter, result workflows.CheckoutResult) error {
	write(w, http.StatusOK, result.Answer)
	return nil
}

// checkoutPayload reads and checks what the shop is asked for.
func checkoutPayload(r *http.Request) (map[string]any, error) {
	var body struct {
		Payload map[string]any `json:"payload"`
	}
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	payload := body.Payload
	if payload == nil {
		return nil, bad("payload is missing")
	}
	if payload["currency"] == nil {
		payload["currency"] = "KRW"
	}
	if payload["currency"] != "KRW" {
		return nil, bad("currency is not KRW")
	}
	for _, kind := range []string{"shipping", "billing"} {
		if object(payload, "address", kind) == nil {
			return nil, bad("address." + kind + " is missing")
		}
	}
	if items, given := payload["items"]; given && items != nil {
		list, ok := items.([]any)
		if !ok || len(list) == 0 || len(objects(items)) != len(list) {
			return nil, bad("items is no list of items")
		}
	}
	if meta, given := payload["meta"]; given && meta != nil && object(payload, "meta") == nil {
		return nil, bad("meta is no object")
	}
	// What only the shop's own staff or a guest may say is nobody else's.
	for _, field := range []string{"customer", "subscription", "paymentMethods"} {
		delete(payload, field)
	}
	if discount, given := payload["discount"]; given {
		withoutDiscounts(discount)
	}
	return payload, nil
}

// withoutDiscounts leaves coupons only: the shop takes what is sent on as its
// own staff's, who may give discounts of any size.
func withoutDiscounts(v any) {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "discounts")
		for _, inner := range v {
			withoutDiscounts(inner)
		}
	case []any:
		for _, inner := range v {
			withoutDiscounts(inner)
		}
	}
}

// fingerprint tells payloads apart, whatever the order of their keys.
func fingerprint(payload map[string]any) string {
	text, _ := json.Marshal(payload) // decoded JSON always encodes
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)

// keyOf is the caller's idempotency key, as it can stand in a workflow id; ""
// when there is none.
func keyOf(r *http.Request) (string, error) {
	key := r.Header.Get("Idempotency-Key")
	switch {
	case key == "" || plainKey.MatchString(key) && !strings.HasPrefix(key, "tap-") && !strings.HasPrefix(key, "sha-"):
		return key, nil
	case len(key) > 1000:
		return "", bad("Idempotency-Key is too long")
	}
	sum := sha256.Sum256([]byte(key))
	return "sha-" + hex.EncodeToString(sum[:16]), nil
}

// tapKey is the key of a checkout that came without one. Two taps are one: the
// second finds the order of the first among the customer's newest, unless the
// cart holds something again. Earlier is the key of that order then. Where its
// own orders may lie before the newest, the last of those tells it from them.
func (a *api) tapKey(r *http.Request, payload map[string]any, fingerprint string) (key, earlier string, err error) {
	orders, err := a.Clayful.RecentOrders(r.Context(), caller(r).ID)
	if err != nil {
		return "", "", err
	}
	prefix, after := "tap-"+fingerprint[:16]+"-", "first"
	if len(orders) == clayful.Recent {
		after = orders[len(orders)-1].ID
	}
	for _, o := range orders { // the newest first
		if !strings.HasPrefix(o.MetaString(model.CheckoutKey), prefix) {
			continue
		}
		after = o.ID
		again := o.Status == model.OrderCancelled || a.Now().Sub(o.CreatedAt.Time) > a.TapWindow
		if !again && payload["items"] == nil {
			lines, err := a.linesOf(r.Context(), caller(r).Token)
			if err != nil {
				return "", "", err
			}
			again = len(lines) > 0
		}
		if !again {
			return "", o.MetaString(model.CheckoutKey), nil
		}
		break
	}
	return prefix + after, "", nil
}
