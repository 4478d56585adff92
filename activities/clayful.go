package activities

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/byeolshow/byeolshow/clients/clayful"
)

// productBroadcasts is the product's meta field that lists the broadcasts it
// was sold in.
const productBroadcasts = "my_vod"

// LinkProducts notes the broadcast in some products and removes it from
// others. All are tried, whatever fails; a product the shop no longer has is
// passed over. Repeating changes nothing more.
func (a *Activities) LinkProducts(ctx context.Context, in ProductLinks) error {
	vodID := strconv.FormatInt(in.VODID, 10)
	var failed []error
	for _, product := range in.Add {
		if err := a.clayful.PushMeta(ctx, "products", product, productBroadcasts, vodID); err != nil && !gone(err) {
			failed = append(failed, fmt.Errorf("note the broadcast in product %s: %w", product, err))
		}
	}
	for _, product := range in.Remove {
		if err := a.clayful.PullMeta(ctx, "products", product, productBroadcasts, vodID); err != nil && !gone(err) {
			failed = append(failed, fmt.Errorf("remove the broadcast from product %s: %w", product, err))
		}
	}
	return errors.Join(failed...)
}

func gone(err error) bool {
	var refused *clayful.Error
	return errors.As(err, &refused) && refused.Status == 404
}
