-- name: BeginCheckout :execrows
INSERT INTO checkout_attempt (customer_id, key, attempted_at) VALUES (@customer_id, @key, @at) ON CONFLICT DO NOTHING;

-- name: CheckoutAttempt :one
SELECT attempted_at FROM checkout_attempt WHERE customer_id = @customer_id AND key = @key;

-- name: RepeatCheckout :execrows
UPDATE checkout_attempt SET attempted_at = @at WHERE customer_id = @customer_id AND key = @key AND attempted_at = @last;

-- name: ForgetCheckout :exec
DELETE FROM checkout_attempt WHERE customer_id = @customer_id AND key = @key;

-- name: PurgeCheckouts :execrows
DELETE FROM checkout_attempt WHERE attempted_at < @before;

-- name: HideOrder :execrows
INSERT INTO deleted_order (order_id, user_id, placed_at) VALUES (@order_id, @user_id, @placed_at) ON CONFLICT DO NOTHING;

-- name: HiddenOrders :many
SELECT order_id, placed_at FROM deleted_order WHERE user_id = @user_id ORDER BY placed_at DESC, order_id;
