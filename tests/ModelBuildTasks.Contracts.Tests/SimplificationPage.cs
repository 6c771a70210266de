using System.Text.RegularExpressions;

namespace ModelBuildTasks.Contracts.Tests;

[TestClass]
public sealed partial class SimplificationPage
{
    [TestMethod]
    public void The_documentation_lists_every_rule_in_the_order_in_which_they_run()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "SIMPLIFICATION.md"));

        var rows = page.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal)).SelectMany(line => Name().Matches(line.Split('|')[1])).Select(match => match.Groups[1].Value);

        CollectionAssert.AreEqual(SimplificationRules.All.ToArray(), rows.ToArray());
    }

    [GeneratedRegex("`([A-Za-z]+)`")]
    private static partial Regex Name();
}
