using ModelBuildTasks.Inference.Data;

namespace ModelBuildTasks.Inference.Tests.Data;

[TestClass]
public sealed class ScoringTests
{
    [TestMethod]
    public void A_data_set_without_a_description_states_nothing()
    {
        using TemporaryFolder folder = new();
        folder.Write("x.csv", "a,b,label\n1,2,0\n");

        Scoring scoring = folder.Open("x.csv", TemporaryFolder.Input("N", 2)).Scoring;

        Assert.IsNull(scoring.Average ?? (object?)scoring.Detection ?? scoring.Segmentation);
        Assert.AreEqual(1, scoring.Positive);
        Assert.IsEmpty(scoring.ClassNames);
    }

    [TestMethod]
    public void The_description_states_averages_and_names()
    {
        Scoring scoring = Open("""{ "average": "micro", "positive": 2, "classes": ["cat", "dog", "cow"] }""").Scoring;

        Assert.AreEqual((Averaging.Micro, 2), (scoring.Average!.Value, scoring.Positive));
        CollectionAssert.AreEqual(new[] { "cat", "dog", "cow" }, scoring.ClassNames.ToArray());
    }

    [TestMethod]
    public void The_description_states_where_boxes_and_masks_are()
    {
        Assert.AreEqual(
            new Detection { Boxes = "b", Scores = "s", Classes = "c", Format = BoxFormat.CentreAndSize, Background = 0, Suppression = 0.5, Overlap = 0.75 },
            Open("""{ "detection": { "boxes": "b", "scores": "s", "classes": "c", "format": "CentreAndSize", "background": 0, "suppression": 0.5, "overlap": 0.75 } }""").Scoring.Detection);
        Assert.AreEqual(new Segmentation { Output = "mask", Ignore = 255 }, Open("""{ "segmentation": { "output": "mask", "ignore": 255 } }""").Scoring.Segmentation);
    }

    [TestMethod]
    [DataRow("""{ "average": "weighted" }""", "average")]
    [DataRow("""{ "positive": -1 }""", "positive")]
    [DataRow("""{ "detection": { "scores": "s" } }""", "boxes")]
    [DataRow("""{ "detection": { "boxes": "b", "format": "xywh" } }""", "format")]
    [DataRow("""{ "detection": { "boxes": "b", "overlap": 0 } }""", "overlap")]
    [DataRow("""{ "detection": { "boxes": "b", "suppression": 1.5 } }""", "suppression")]
    [DataRow("""{ "detection": { "boxes": "b" }, "segmentation": {} }""", "exclude each other")]
    [DataRow("""{ "segmentation": { "outputs": "m" } }""", "outputs")]
    public void What_is_stated_wrongly_is_an_error_that_names_it(string description, string expected) =>
        Assert.Contains(expected, TemporaryFolder.Fails(DatasetError.Description, () => Open(description)).Message);

    private static Dataset Open(string description)
    {
        using TemporaryFolder folder = new();
        folder.Write("x.csv", "a,b,label\n1,2,cat\n");
        folder.Describe(description.Contains("classes\": [", StringComparison.Ordinal) ? description : description.Insert(1, "\"classes\": [\"cat\"],"));
        return folder.Open("x.csv", TemporaryFolder.Input("N", 2));
    }
}
