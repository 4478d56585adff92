package model

// SignUpKey is where a customer's meta names the sign-up they came from.
const SignUpKey = "sign_up"

// Wishlist is the name of every customer's wishlist.
const Wishlist = "product_wishlist"

// Profile is what a social vendor tells of a person. What it does not tell is "".
type Profile struct {
	Nickname, FullName, Email, Mobile string
}

// Personal marks it to be sealed in workflow histories.
func (Profile) Personal() {}
