namespace ModelBuildTasks.Optimization.Training;

/// <summary>Moves one parameter against its gradient. An instance keeps the state of one parameter.</summary>
public interface IUpdateRule
{
    /// <summary>Changes <paramref name="weights"/> in place.</summary>
    /// <param name="weights">The parameter.</param>
    /// <param name="gradient">∂loss/∂parameter, of the same length.</param>
    /// <param name="learningRate">Step size, above 0.</param>
    void Update(Span<float> weights, ReadOnlySpan<float> gradient, float learningRate);
}
