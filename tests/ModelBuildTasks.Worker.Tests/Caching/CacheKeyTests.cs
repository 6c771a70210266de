using ModelBuildTasks.Worker.Caching;

namespace ModelBuildTasks.Worker.Tests.Caching;

[TestClass]
public sealed class CacheKeyTests
{
    [TestMethod]
    public void Is_the_same_for_the_same_settings() =>
        Assert.AreEqual(new CacheKey().Add("a", 1).Add("b", "x").ToString(), new CacheKey().Add("a", 1).Add("b", "x").ToString());

    [TestMethod]
    public void Keeps_neighbours_apart() => Assert.AreNotEqual(new CacheKey().Add("a", "bc").Add("d", "e").ToString(), new CacheKey().Add("a", "b").Add("cd", "e").ToString());

    [TestMethod]
    public void Depends_on_the_order() => Assert.AreNotEqual(new CacheKey().Add("a", 1).Add("b", 2).ToString(), new CacheKey().Add("b", 2).Add("a", 1).ToString());

    [TestMethod]
    public void Tells_an_absent_value_from_a_zero() => Assert.AreNotEqual(new CacheKey().Add("a", null).ToString(), new CacheKey().Add("a", 0).ToString());
}
