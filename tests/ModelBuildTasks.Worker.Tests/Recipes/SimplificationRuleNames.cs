using ModelBuildTasks.Contracts;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Worker.Tests.Recipes;

/// <summary>The build knows the rules by name only; this is where the names meet the rules.</summary>
[TestClass]
public sealed class SimplificationRuleNames
{
    [TestMethod]
    public void The_rules_that_can_be_disabled_are_those_that_there_are_in_their_order() =>
        CollectionAssert.AreEqual(GraphSimplification.RuleNames.ToArray(), SimplificationRules.All.ToArray());
}
