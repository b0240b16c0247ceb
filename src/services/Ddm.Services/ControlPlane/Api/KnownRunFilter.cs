using Ddm.Runs;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Ddm.Services;

/// <summary>Answers for a run that no one can name (400) and for one that is not there (404) before any endpoint is asked.</summary>
internal sealed class KnownRunFilter(RunRepository runs) : IEndpointFilter
{
    private static readonly object s_key = new();

    /// <summary>The run's document as the filter found it, for what an endpoint asks of it that never changes.</summary>
    public static RunDocument Found(HttpContext context) => (RunDocument)context.Items[s_key]!;

    /// <inheritdoc/>
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var name = (string)context.HttpContext.GetRouteValue("name")!;
        RunName.Require(name);
        (RunDocument Document, string)? found;
        try
        {
            found = await runs.FindAsync(name, context.HttpContext.RequestAborted);
        }
        catch (UserErrorException e) when (!e.MayPass)
        {
            // Damaged, or a newer version's: whoever asked cannot help it.
            return TypedResults.Problem(e.Message, statusCode: StatusCodes.Status500InternalServerError);
        }

        if (found is not { Document: var document })
        {
            return TypedResults.Problem($"There is no run '{name}'. GET /runs lists those there are.", statusCode: StatusCodes.Status404NotFound);
        }

        context.HttpContext.Items[s_key] = document;
        return await next(context);
    }
}
