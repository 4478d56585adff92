package activities

import (
	"context"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/byeolshow/byeolshow/clients/clayful"
)

// ResetMail is a mail somebody asked for who knows this pair.
type ResetMail struct{ UserID, Email string }

// Personal marks it to be sealed in histories.
func (ResetMail) Personal() {}

// resetFor is how long a mailed link counts.
const resetFor = 72 * time.Hour

// MailReset has the shop mail the link, if there is such a customer and they
// have a password to set. When the mail may be on its way all the same, the
// error is one that is not retried: whoever gets none asks for another.
func (a *Activities) MailReset(ctx context.Context, in ResetMail) error {
	customers, err := a.clayful.CustomersBy(ctx, clayful.ByUserID, in.UserID)
	if err != nil {
		return err
	}
	for i := range customers {
		c := &customers[i]
		if string(c.UserID) != in.UserID || !strings.EqualFold(string(c.Email), in.Email) || len(c.SocialVendors()) > 0 {
			continue
		}
		err := a.clayful.MailReset(ctx, in.UserID, int(resetFor.Seconds()))
		if refusal := shopRefusal(err); refusal != nil {
			return Refuse(refusal)
		}
		if err != nil && !clayful.IsUndone(err) {
			return temporal.NewNonRetryableApplicationError("it is not known whether the mail was sent", ErrorDown, err, Fault{System: VendorClayful})
		}
		return err
	}
	return nil
}
