namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class AddGradientTests
{
    [TestMethod]
    public void Matches_differences() => GradientCheck.Verify((graph, v) => graph.Add("Add", v[0], v[1]), [2, 3], [2, 3]);

    [TestMethod]
    public void Sums_over_broadcast_axes_of_either_operand() => GradientCheck.Verify((graph, v) => graph.Add("Add", v[0], v[1]), [2, 1, 4], [5, 1, 3, 1]);

    [TestMethod]
    public void Sums_what_both_places_contribute_when_a_value_is_added_to_itself() => GradientCheck.Verify((graph, v) => graph.Add("Add", v[0], v[0]), [3]);
}
