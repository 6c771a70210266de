namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>A rule threw where it should have refused: a bug of the rule, most likely at a model that no runtime takes.</summary>
internal sealed class RuleException(string rule, Exception cause) : Exception($"it failed at this model ({cause.GetType().Name}: {cause.Message})", cause)
{
    /// <summary>The rule, by the name that switches it off.</summary>
    internal string Rule { get; } = rule;

    /// <summary>Runs a rule, so that what it throws, cancellation and lack of memory aside, carries its name.</summary>
    internal static T Guard<T>(string rule, Func<T> apply)
    {
        try
        {
            return apply();
        }
        catch (Exception exception) when (exception is not (OperationCanceledException or OutOfMemoryException))
        {
            throw new RuleException(rule, exception);
        }
    }
}
