-- BeginIssue is won by one caller, until the row is dropped.
-- name: BeginIssue :execrows
INSERT INTO coupon_issue (user_id, coupon_id, state, created_at) VALUES (@user_id, @coupon_id, 'pending', @at) ON CONFLICT DO NOTHING;

-- name: CouponIssue :one
SELECT * FROM coupon_issue WHERE user_id = @user_id AND coupon_id = @coupon_id;

-- name: DropPendingIssue :execrows
DELETE FROM coupon_issue WHERE user_id = @user_id AND coupon_id = @coupon_id AND state = 'pending';

-- RecordIssued notes coupons the customer has, however they came by them.
-- name: RecordIssued :exec
INSERT INTO coupon_issue (user_id, coupon_id, state) SELECT @user_id, unnest(@coupon_ids::text[]), 'issued'
ON CONFLICT (user_id, coupon_id) DO UPDATE SET state = 'issued' WHERE coupon_issue.state = 'pending';

-- name: PendingIssues :many
SELECT coupon_id FROM coupon_issue WHERE user_id = @user_id AND coupon_id = ANY(@coupon_ids::text[]) AND state = 'pending';

-- name: IssuedCoupons :many
SELECT coupon_id FROM coupon_issue WHERE user_id = @user_id;
