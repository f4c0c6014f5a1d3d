"""What the admin's pages call the things that the API names by codes and columns."""

from chalicelib.domain.findings import Code

# What a finding is about, said of several.
KINDS: dict[Code, str] = {
    Code.USED_MISMATCH: "Used licenses that don't match the tenants",
    Code.COUNT_UNEXPLAINED: "Total licenses that the ledger can't explain",
    Code.OVER_ALLOCATED: "More licenses in use than owned",
    Code.TENANT_HOLDS_WRONGLY: "Tenants marked wrongly as holding a license",
    Code.PURCHASE_UNCREDITED: "Purchases whose licenses were not added",
    Code.PURCHASE_OVERCREDITED: "Purchases whose licenses were not taken back",
    Code.STUCK_PURCHASE: "Purchases that are behind what Stripe says",
    Code.SESSION_WITHOUT_PURCHASE: "Checkouts at Stripe that no purchase knows",
    Code.ORPHAN_TENANT: "Tenants whose reseller is gone",
    Code.ORPHAN_CLAIM: "Names that are held by nobody",
    Code.MISSING_CLAIM: "Names that nothing keeps from being taken twice",
    Code.RESELLER_WITHOUT_USER: "Resellers whose user is linked one way only",
    Code.USER_LINK_WRONG: "Users linked to a reseller that is not theirs",
}
