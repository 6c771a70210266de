using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class GradientRulesTests
{
    [TestMethod]
    public void Are_all_named_in_the_documentation()
    {
        IEnumerable<string> rows = File.ReadLines(Repository.File("docs/TRAINING.md")).Where(line => line.StartsWith("| ", StringComparison.Ordinal));
        HashSet<string> named = [.. rows.SelectMany(line => line.Split('|')[1].Split([' ', ','], StringSplitOptions.RemoveEmptyEntries))];
        Assert.AreEqual("", string.Join(", ", GradientRules.Operators.Where(name => !named.Contains(name))));
    }
}
