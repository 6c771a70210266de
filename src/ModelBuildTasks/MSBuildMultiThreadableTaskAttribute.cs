using System;

namespace Microsoft.Build.Framework;

/// <summary>
/// Says that a task uses no current directory, environment or other state of the process, so that <c>-mt</c> builds run it in
/// the node. MSBuild looks for this name and namespace in any assembly; ours, because older MSBuild has no such type.
/// See https://github.com/dotnet/msbuild/blob/main/documentation/specs/multithreading/thread-safe-tasks.md.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
internal sealed class MSBuildMultiThreadableTaskAttribute : Attribute;
