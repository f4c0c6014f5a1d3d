"""A simple model of resellers, tenants, and purchases to compare the service with."""

from dataclasses import dataclass, field

from chalicelib import errors


@dataclass
class ModelTenant:
    slug: str
    active: bool = True
    holds: bool = True
    deleted: bool = False


@dataclass
class ModelReseller:
    slug: str
    count: int
    active: bool = True
    tenants: dict[str, ModelTenant] = field(default_factory=dict)

    @property
    def used(self) -> int:
        return sum(tenant.holds for tenant in self.tenants.values())

    def has_slug(self, slug: str) -> bool:
        return any(t.slug == slug and not t.deleted for t in self.tenants.values())

    def license_refusal(self) -> type[errors.TenantryError] | None:
        if not self.active:
            return errors.ResellerInactive
        return errors.LicensesExhausted if self.used >= self.count else None


@dataclass
class ModelPurchase:
    quantity: int
    session: str
    paid: bool = False
    refunded: bool = False
    closed: bool = False
    settled: int = 0

    @property
    def worth(self) -> int:
        return self.quantity if self.paid and not self.refunded else 0
