namespace System.Runtime.CompilerServices;

/// <summary>The compiler asks for this type to compile records; netstandard2.0 lacks it.</summary>
internal static class IsExternalInit;
