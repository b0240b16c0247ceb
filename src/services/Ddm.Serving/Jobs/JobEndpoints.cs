using Ddm.Services;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Ddm.Serving;

/// <summary><c>/v1/images/jobs</c>: pictures that nobody holds a connection open for.</summary>
internal static class JobEndpoints
{
    /// <summary>Maps them.</summary>
    public static void Map(IEndpointRouteBuilder group)
    {
        group.MapPost("/", SubmitAsync)
            .WithName("createImageJob")
            .WithSummary("Submit a job")
            .WithDescription("The body of createImage without 'stream'. Whoever waits for the pictures asks at 'poll_url' how it stands.")
            .Accepts<GenerationBody>(RequestBody.Json)
            .WithMetadata(new RequestSizeLimitAttribute(ImagesEndpoint.MostBytes), new TakesIdempotencyKey())
            .Produces<JobAnswer>(StatusCodes.Status202Accepted)
            .Refuses(ImagesEndpoint.BodyFaults)
            .Refuses(StatusCodes.Status409Conflict, StatusCodes.Status503ServiceUnavailable);
        group.MapGet("/{id}", LookAsync)
            .WithName("retrieveImageJob")
            .WithSummary("How a job stands")
            .Produces<JobAnswer>()
            .Refuses(StatusCodes.Status404NotFound, StatusCodes.Status410Gone);
        group.MapPost("/{id}/cancel", CancelAsync)
            .WithName("cancelImageJob")
            .WithSummary("Take a job back")
            .WithDescription("It stops at the next step, wherever it is drawn.")
            .WithMetadata(new RequestSizeLimitAttribute(ImagesEndpoint.MostBytes))
            .Produces<JobAnswer>()
            .Refuses(StatusCodes.Status404NotFound, StatusCodes.Status409Conflict, StatusCodes.Status410Gone);
    }

    private static async Task<IResult> SubmitAsync(HttpContext context, [FromServices] ImageJobs jobs, [FromServices] KeyLimits limits)
    {
        var gone = context.RequestAborted;
        var text = await ImagesEndpoint.ReadAsync(context, limits);
        var job = await jobs.SubmitAsync(ImagesEndpoint.KeyOf(context), text, context.Request.Headers[ImagesEndpoint.IdempotencyKey].ToString(), gone);
        var answer = await jobs.DescribeAsync(context.Request, job, gone);
        context.Response.Headers.Location = answer.PollUrl;
        return TypedResults.Json(answer, GatewayApi.Json, statusCode: StatusCodes.Status202Accepted);
    }

    private static async Task<IResult> LookAsync(HttpContext context, string id, [FromServices] ImageJobs jobs)
    {
        var gone = context.RequestAborted;
        return TypedResults.Json(await jobs.DescribeAsync(context.Request, await jobs.FindAsync(ImagesEndpoint.KeyOf(context), id, gone), gone), GatewayApi.Json);
    }

    private static async Task<IResult> CancelAsync(HttpContext context, string id, [FromServices] ImageJobs jobs)
    {
        var gone = context.RequestAborted;
        return TypedResults.Json(await jobs.DescribeAsync(context.Request, await jobs.CancelAsync(ImagesEndpoint.KeyOf(context), id, gone), gone), GatewayApi.Json);
    }
}
