#include "ingress/withdrawals.h"

#include <gtest/gtest.h>

#include "ingress/routing_test_support.h"

namespace wherry::ingress {
namespace {

Route route(const std::string& name, const std::string& path) {
  Route route{{"Ingress", "shop", name}, {"a.example.com", false}, {PathMatch::Kind::kPrefix, path}, {}, {}};
  route.to.shares = {{{"shop", name, "http"}, 1}};
  return route;
}

Model modelOf(std::vector<Route> routes) {
  Model model;
  model.ports[80] = {80, false, std::move(routes), {}, {}};
  return model;
}

const Origin kBad{"Ingress", "shop", "bad"};

TEST(Withdrawals, WhatIsRefusedAnswers503AndIsGoneWhenThatIsRefusedToo) {
  Withdrawals withdrawals;
  const Model asked = modelOf({route("good", "/"), route("bad", "/bad")});
  Model model = asked;
  EXPECT_TRUE(withdrawals.add(model, asked, kBad, "no"));
  EXPECT_EQ(textOf(model.ports[80].routes), "a.example.com/ -> shop/good:http\na.example.com/bad -> 503\n");
  EXPECT_TRUE(withdrawals.add(model, asked, kBad, "no again"));
  EXPECT_EQ(textOf(model.ports[80].routes), "a.example.com/ -> shop/good:http\n");
  EXPECT_FALSE(withdrawals.add(model, asked, kBad, "no"));
  EXPECT_FALSE(withdrawals.add(model, asked, {"Ingress", "shop", "other"}, "no"));
  // The next time it is not there at all, for the first reason.
  model = asked;
  const auto complaints = withdrawals.apply(model);
  ASSERT_EQ(complaints.size(), 1U);
  EXPECT_EQ(textOf(complaints[0]), "shop/bad RefusedByHAProxy: no");
  EXPECT_EQ(textOf(model.ports[80].routes), "a.example.com/ -> shop/good:http\n");
}

TEST(Withdrawals, OthersChangeWithoutItBeingAskedForAgain) {
  Withdrawals withdrawals;
  Model model = modelOf({route("good", "/"), route("bad", "/bad")});
  withdrawals.add(model, modelOf({route("good", "/"), route("bad", "/bad")}), kBad, "no");
  model = modelOf({route("bad", "/bad"), route("better", "/")});
  EXPECT_EQ(withdrawals.apply(model).size(), 1U);
  EXPECT_EQ(textOf(model.ports[80].routes), "a.example.com/bad -> 503\na.example.com/ -> shop/better:http\n");
}

TEST(Withdrawals, WhatAsksForSomethingElseIsTriedAnew) {
  Withdrawals withdrawals;
  const Model asked = modelOf({route("bad", "/bad")});
  Model model = asked;
  withdrawals.add(model, asked, kBad, "no");
  model = modelOf({route("bad", "/better")});
  EXPECT_EQ(withdrawals.apply(model).size(), 0U);
  EXPECT_EQ(textOf(model.ports[80].routes), "a.example.com/better -> shop/bad:http\n");
  // And what it was is no longer known.
  model = asked;
  EXPECT_EQ(withdrawals.apply(model).size(), 0U);
}

}  // namespace
}  // namespace wherry::ingress
