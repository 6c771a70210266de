namespace ModelBuildTasks.Optimization.Training;

/// <summary>The state and the rule by which one parameter moves against its gradient.</summary>
public interface IUpdateRule
{
    /// <summary>Changes <paramref name="weights"/> in place.</summary>
    /// <param name="weights">The parameter.</param>
    /// <param name="gradient">∂loss/∂parameter, of the same length.</param>
    /// <param name="learningRate">Step size, above 0.</param>
    void Update(Span<float> weights, ReadOnlySpan<float> gradient, float learningRate);

    /// <summary>Steps so far, and what the rule remembers of them: set both to go on where another left off.</summary>
    int Steps { get; set; }

    /// <inheritdoc cref="Steps"/>
    IReadOnlyList<float[]> Memory { get; }
}

/// <summary>The rules by their names.</summary>
public enum UpdateRule
{
    /// <summary><see cref="AdamUpdate"/>.</summary>
    Adam,

    /// <summary><see cref="MomentumUpdate"/>.</summary>
    Momentum,
}
