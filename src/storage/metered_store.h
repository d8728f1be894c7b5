// A store that counts what is written to another one, under upstream's names (etcd_...): by operation (create, update,
// delete) and type (the resource in the key: "pods", "deployments.apps"), with the time until it was durable. Reads are
// answered from memory, like those of upstream's watch cache, and not counted. Safe from any thread.
#pragma once

#include <memory>
#include <vector>

#include "base/metrics.h"
#include "storage/store.h"

namespace wherry::storage {

std::unique_ptr<Store> meterStore(std::unique_ptr<Store> store);

std::vector<const base::metrics::FamilyBase*> storeFamilies();

}  // namespace wherry::storage
