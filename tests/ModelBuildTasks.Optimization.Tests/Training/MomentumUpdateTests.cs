using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class MomentumUpdateTests
{
    [TestMethod]
    public void Follows_the_published_rule()
    {
        const float Rate = 0.1f, Decay = 0.2f, Momentum = 0.9f;
        float[] gradients = [0.5f, -1f, 0.25f];
        MomentumUpdate update = new(1, Decay, Momentum);
        float[] weight = [2];
        double expected = 2, velocity = 0;
        foreach (float gradient in gradients)
        {
            update.Update(weight, [gradient], Rate);
            velocity = (Momentum * velocity) + gradient;
            expected = (expected * (1 - (Rate * Decay))) - (Rate * (gradient + (Momentum * velocity)));
        }

        Assert.AreEqual(expected, weight[0], 1e-5);
    }

    [TestMethod]
    public void Goes_on_from_what_another_remembers()
    {
        MomentumUpdate first = new(2, 0), second = new(2, 0);
        float[] weights = [1, 2];
        first.Update(weights, [0.3f, -0.2f], 0.1f);
        first.Memory[0].CopyTo(second.Memory[0], 0);
        second.Steps = first.Steps;
        float[] same = [.. weights];

        first.Update(weights, [0.1f, 0.1f], 0.1f);
        second.Update(same, [0.1f, 0.1f], 0.1f);

        CollectionAssert.AreEqual(weights, same);
    }
}
